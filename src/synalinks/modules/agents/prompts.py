"""What an agent is shown: its template, and its instructions where it is given none."""

from __future__ import annotations

from synalinks.modules.generators.prompts import DEFAULT_TEMPLATE

INSTRUCTIONS = (
    "Work towards the answer step by step. Call tools where they help; call several at once where they do not depend "
    "on each other. When nothing more is needed, answer without calling a tool."
)
THINKING = "Before each step, think about what is known, what is missing, and which tool would find it."
FINAL_INSTRUCTIONS = (
    "Give the final answer to the task of the conversation. Use what the results of the tools say, and nothing that "
    "they contradict."
)
_CONTEXT = """\
{%- if agents_md %}
<agents_md>
{{ agents_md }}
</agents_md>
{%- endif %}
{%- if skills %}
<available_skills>
{%- for skill in skills %}
<skill>
<name>{{ skill.name }}</name>
<description>{{ skill.description }}</description>
</skill>
{%- endfor %}
</available_skills>
{%- endif %}
"""


def default_agent_prompt_template() -> str:
    """The template agents use where none is given: that of generators, and the context that an agent works in.

    Variables beyond those of `default_prompt_template`: `agents_md`, the text of the working directory's `AGENTS.md`;
    `skills`, the name and description of each skill. Both are left out where there are none.

    Example:
        >>> "available_skills" in synalinks.default_agent_prompt_template()
        True
    """
    return DEFAULT_TEMPLATE + _CONTEXT
