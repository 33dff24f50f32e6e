"""Judges by one rubric: a class for each rubric of the table.

Made by scripts/make_classes.py from rubric_table.py. Change the table and run the script; a test compares the two.
"""

from __future__ import annotations

from synalinks.rewards.rubric_table import BY_TITLE
from synalinks.rewards.rubrics import RubricAsJudge

# fmt: off
__all__ = [
    "AgentLoopDetection", "AnswerRelevancy", "ArgumentCorrectness", "Bias", "CitationFaithfulness",
    "ContextualPrecision", "ContextualRecall", "ContextualRelevancy", "ConversationCompleteness", "Faithfulness",
    "GoalAccuracy", "Hallucination", "KnowledgeRetention", "Misuse", "NonAdvice", "PIILeakage", "PlanAdherence",
    "PlanQuality", "PromptAlignment", "RoleAdherence", "RoleViolation", "StepEfficiency", "Summarization",
    "TaskCompletion", "ToolCorrectness", "ToolPermission", "ToolUse", "TopicAdherence", "Toxicity",
    "TurnFaithfulness", "TurnRelevancy",
]
# fmt: on


class AgentLoopDetection(RubricAsJudge):
    """A judge by one rubric: the agent does not go in circles: no step is repeated without need."""

    rubric = BY_TITLE["AgentLoopDetection"]


class AnswerRelevancy(RubricAsJudge):
    """A judge by one rubric: every part of the answer bears on the question; nothing strays from it."""

    rubric = BY_TITLE["AnswerRelevancy"]


class ArgumentCorrectness(RubricAsJudge):
    """A judge by one rubric: each tool is called with the arguments that the task asks for."""

    rubric = BY_TITLE["ArgumentCorrectness"]


class Bias(RubricAsJudge):
    """A judge by one rubric: the answer is free of prejudice about gender, origin, religion, age, politics or any
    other group.
    """

    rubric = BY_TITLE["Bias"]


class CitationFaithfulness(RubricAsJudge):
    """A judge by one rubric: each source cited exists in the context and says what it is cited for."""

    rubric = BY_TITLE["CitationFaithfulness"]


class ContextualPrecision(RubricAsJudge):
    """A judge by one rubric: among the passages retrieved, those of use stand before those of none."""

    rubric = BY_TITLE["ContextualPrecision"]


class ContextualRecall(RubricAsJudge):
    """A judge by one rubric: the passages retrieved hold all that the right answer needs."""

    rubric = BY_TITLE["ContextualRecall"]


class ContextualRelevancy(RubricAsJudge):
    """A judge by one rubric: the passages retrieved bear on the question, with little beside."""

    rubric = BY_TITLE["ContextualRelevancy"]


class ConversationCompleteness(RubricAsJudge):
    """A judge by one rubric: each wish of the user is met by the end of the conversation."""

    rubric = BY_TITLE["ConversationCompleteness"]


class Faithfulness(RubricAsJudge):
    """A judge by one rubric: every claim follows from the context that is given; none goes beyond or against it."""

    rubric = BY_TITLE["Faithfulness"]


class GoalAccuracy(RubricAsJudge):
    """A judge by one rubric: the user's goal is understood, and what was reached is that goal."""

    rubric = BY_TITLE["GoalAccuracy"]


class Hallucination(RubricAsJudge):
    """A judge by one rubric: the answer invents nothing: no fact, source, name or number without a basis."""

    rubric = BY_TITLE["Hallucination"]


class KnowledgeRetention(RubricAsJudge):
    """A judge by one rubric: what the user said before is remembered; nothing is asked twice."""

    rubric = BY_TITLE["KnowledgeRetention"]


class Misuse(RubricAsJudge):
    """A judge by one rubric: the answer serves the purpose of the application and lends itself to no other."""

    rubric = BY_TITLE["Misuse"]


class NonAdvice(RubricAsJudge):
    """A judge by one rubric: the answer gives no medical, legal or financial advice that only a professional may
    give.
    """

    rubric = BY_TITLE["NonAdvice"]


class PIILeakage(RubricAsJudge):
    """A judge by one rubric: the answer gives away no personal data: names with addresses, numbers, accounts,
    health.
    """

    rubric = BY_TITLE["PIILeakage"]


class PlanAdherence(RubricAsJudge):
    """A judge by one rubric: the steps taken are those of the plan; deviations have a reason."""

    rubric = BY_TITLE["PlanAdherence"]


class PlanQuality(RubricAsJudge):
    """A judge by one rubric: the plan is complete, in a sensible order, and leads to the goal."""

    rubric = BY_TITLE["PlanQuality"]


class PromptAlignment(RubricAsJudge):
    """A judge by one rubric: every instruction is followed: content, form, length, language."""

    rubric = BY_TITLE["PromptAlignment"]


class RoleAdherence(RubricAsJudge):
    """A judge by one rubric: the assistant keeps to the role, tone and knowledge it was given, in each turn."""

    rubric = BY_TITLE["RoleAdherence"]


class RoleViolation(RubricAsJudge):
    """A judge by one rubric: the assistant does nothing that its role forbids."""

    rubric = BY_TITLE["RoleViolation"]


class StepEfficiency(RubricAsJudge):
    """A judge by one rubric: the goal is reached without a step that could be left out."""

    rubric = BY_TITLE["StepEfficiency"]


class Summarization(RubricAsJudge):
    """A judge by one rubric: the summary holds what matters in the text, adds nothing, and is short."""

    rubric = BY_TITLE["Summarization"]


class TaskCompletion(RubricAsJudge):
    """A judge by one rubric: the task is done, wholly, as it was asked for."""

    rubric = BY_TITLE["TaskCompletion"]


class ToolCorrectness(RubricAsJudge):
    """A judge by one rubric: the tools called are those that were needed, and no others."""

    rubric = BY_TITLE["ToolCorrectness"]


class ToolPermission(RubricAsJudge):
    """A judge by one rubric: only tools that are allowed are called, and only as far as they are allowed."""

    rubric = BY_TITLE["ToolPermission"]


class ToolUse(RubricAsJudge):
    """A judge by one rubric: tools are chosen well, called rightly, and their results are used."""

    rubric = BY_TITLE["ToolUse"]


class TopicAdherence(RubricAsJudge):
    """A judge by one rubric: the conversation keeps to the topics allowed; others are declined."""

    rubric = BY_TITLE["TopicAdherence"]


class Toxicity(RubricAsJudge):
    """A judge by one rubric: the answer is free of insult, threat, mockery and hatred."""

    rubric = BY_TITLE["Toxicity"]


class TurnFaithfulness(RubricAsJudge):
    """A judge by one rubric: in each turn every claim follows from the context given for it."""

    rubric = BY_TITLE["TurnFaithfulness"]


class TurnRelevancy(RubricAsJudge):
    """A judge by one rubric: each turn of the assistant answers what the user said just before."""

    rubric = BY_TITLE["TurnRelevancy"]
