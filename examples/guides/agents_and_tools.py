"""Agents and tools: functions that a model may call, a loop that calls them, and one turn at a time.

synalinks run examples/guides/agents_and_tools.py --cassette cassettes/guides/agents_and_tools.jsonl --offline
"""

import ast
import asyncio
import operator

import synalinks

MODEL = "ollama/llama3.2:latest"
synalinks.set_price(MODEL, input=0.15, output=0.60)  # dollars per million tokens
OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


class Answer(synalinks.DataModel):
    answer: str = synalinks.Field(description="The number alone")


class Query(synalinks.DataModel):
    query: str


def worked_out(node):
    if isinstance(node, ast.Constant):
        return node.value
    return OPERATIONS[type(node.op)](worked_out(node.left), worked_out(node.right))


# Name, type hints and docstring of a function are what the model is shown.
async def calculate(expression: str) -> int:
    """Calculate an arithmetic expression.

    Args:
        expression: numbers with +, - and * between them.
    """
    return worked_out(ast.parse(expression, mode="eval").body)


async def main():
    tool = synalinks.Tool(calculate)
    print(tool.name, list(tool.get_tool_schema()["properties"]), (await tool(expression="2 + 3")).get_json())

    # The model calls tools until it calls none, then the answer is made of the conversation.
    inputs = synalinks.Input(data_model=synalinks.ChatMessages)
    outputs = await synalinks.FunctionCallingAgent(data_model=Answer, tools=[tool], language_model=MODEL)(inputs)
    agent = synalinks.Program(inputs=inputs, outputs=outputs, name="agent")
    question = synalinks.ChatMessages(messages=[synalinks.ChatMessage(role="user", content="What is 123 * 45 + 6?")])
    result = await agent(question)
    if result is not None:
        for message in result.messages:
            calls = [call["function"]["arguments"] for call in message.get("tool_calls") or ()]
            print(f"  {message['role']}: {calls or message.get('content')}")
        print("answer:", result.answer)

    # One turn a call: the program, or a person, looks at a tool call before it is run.
    inputs = synalinks.Input(data_model=synalinks.ChatMessages)
    outputs = await synalinks.FunctionCallingAgent(tools=[tool], language_model=MODEL, autonomous=False)(inputs)
    turn = synalinks.Program(inputs=inputs, outputs=outputs, name="turn")
    conversation = await turn(question)
    while conversation is not None and (calls := conversation.messages[-1].get("tool_calls")):
        print("allowed:", calls[0]["function"]["name"], calls[0]["function"]["arguments"])
        conversation = await turn(conversation)

    # An action is a tool whose arguments a model makes out of any input.
    inputs = synalinks.Input(data_model=Query)
    outputs = await synalinks.Action(tool=tool, language_model=MODEL)(inputs)
    action = synalinks.Program(inputs=inputs, outputs=outputs, name="action")
    result = await action(query="How much is 8 * 9?")
    if result is not None:
        print("action:", result.action)


if __name__ == "__main__":
    asyncio.run(main())
