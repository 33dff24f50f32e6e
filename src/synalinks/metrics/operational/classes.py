"""Operational metrics: a class for each row of the table and each phase that the row has.

Made by scripts/make_classes.py from table.py. Change the table and run the script; a test compares the two.
"""

from __future__ import annotations

from synalinks.metrics.operational.metric import (
    EmbeddingModelOperationalMetric,
    EmbeddingModelOptimizersOperationalMetric,
    EmbeddingModelRewardsOperationalMetric,
    LMOperationalMetric,
    LMOptimizersOperationalMetric,
    LMRewardsOperationalMetric,
    ProgramOperationalMetric,
)
from synalinks.metrics.operational.table import ROWS

# fmt: off
__all__ = [
    "AvgCacheCreationTokensPerCall", "AvgCachedTokensPerCall", "AvgCostPerCall", "AvgEmbeddingCachedTokensPerCall",
    "AvgEmbeddingCostPerCall", "AvgEmbeddingLatency", "AvgEmbeddingTokensPerCall", "AvgEmbeddingVectorsPerCall",
    "AvgInputTokensPerCall", "AvgLatency", "AvgOptimizerCacheCreationTokensPerCall",
    "AvgOptimizerCachedTokensPerCall", "AvgOptimizerCostPerCall", "AvgOptimizerEmbeddingCachedTokensPerCall",
    "AvgOptimizerEmbeddingCostPerCall", "AvgOptimizerEmbeddingLatency", "AvgOptimizerEmbeddingTokensPerCall",
    "AvgOptimizerEmbeddingVectorsPerCall", "AvgOptimizerInputTokensPerCall", "AvgOptimizerLatency",
    "AvgOptimizerOutputTokensPerCall", "AvgOptimizerReasoningTokensPerCall", "AvgOptimizerTotalTokensPerCall",
    "AvgOutputTokensPerCall", "AvgReasoningTokensPerCall", "AvgRewardCacheCreationTokensPerCall",
    "AvgRewardCachedTokensPerCall", "AvgRewardCostPerCall", "AvgRewardEmbeddingCachedTokensPerCall",
    "AvgRewardEmbeddingCostPerCall", "AvgRewardEmbeddingLatency", "AvgRewardEmbeddingTokensPerCall",
    "AvgRewardEmbeddingVectorsPerCall", "AvgRewardInputTokensPerCall", "AvgRewardLatency",
    "AvgRewardOutputTokensPerCall", "AvgRewardReasoningTokensPerCall", "AvgRewardTotalTokensPerCall",
    "AvgTimeToFirstToken", "AvgTimeToLastToken", "AvgTotalTokensPerCall", "AvgTrajectoryTimeToFirstToken",
    "CacheCreationTokens", "CacheHitRate", "CachedTokens", "Cost", "EmbeddingCacheHitRate",
    "EmbeddingCachedTokens", "EmbeddingCost", "EmbeddingErrorRate", "EmbeddingFailedCalls",
    "EmbeddingFallbackActivations", "EmbeddingThroughput", "EmbeddingTokens", "EmbeddingTokensPerSecond",
    "EmbeddingVectors", "EmbeddingVectorsPerSecond", "ErrorRate", "FailedCalls", "FallbackActivations",
    "InputTokens", "OptimizerCacheCreationTokens", "OptimizerCacheHitRate", "OptimizerCachedTokens",
    "OptimizerCost", "OptimizerEmbeddingCacheHitRate", "OptimizerEmbeddingCachedTokens", "OptimizerEmbeddingCost",
    "OptimizerEmbeddingErrorRate", "OptimizerEmbeddingFailedCalls", "OptimizerEmbeddingFallbackActivations",
    "OptimizerEmbeddingThroughput", "OptimizerEmbeddingTokens", "OptimizerEmbeddingTokensPerSecond",
    "OptimizerEmbeddingVectors", "OptimizerEmbeddingVectorsPerSecond", "OptimizerErrorRate",
    "OptimizerFailedCalls", "OptimizerFallbackActivations", "OptimizerInputTokens", "OptimizerOutputTokens",
    "OptimizerReasoningTokenShare", "OptimizerReasoningTokens", "OptimizerThroughput", "OptimizerTokensPerSecond",
    "OptimizerTotalTokens", "OutputTokens", "ProgramAvgCostPerInvocation", "ProgramCalls", "ProgramCallsPerSecond",
    "ProgramCost", "ProgramElapsedTime", "ReasoningTokenShare", "ReasoningTokens", "RewardCacheCreationTokens",
    "RewardCacheHitRate", "RewardCachedTokens", "RewardCost", "RewardEmbeddingCacheHitRate",
    "RewardEmbeddingCachedTokens", "RewardEmbeddingCost", "RewardEmbeddingErrorRate", "RewardEmbeddingFailedCalls",
    "RewardEmbeddingFallbackActivations", "RewardEmbeddingThroughput", "RewardEmbeddingTokens",
    "RewardEmbeddingTokensPerSecond", "RewardEmbeddingVectors", "RewardEmbeddingVectorsPerSecond",
    "RewardErrorRate", "RewardFailedCalls", "RewardFallbackActivations", "RewardInputTokens", "RewardOutputTokens",
    "RewardReasoningTokenShare", "RewardReasoningTokens", "RewardThroughput", "RewardTokensPerSecond",
    "RewardTotalTokens", "Throughput", "TokensPerSecond", "TotalTokens",
]
# fmt: on


class AvgCacheCreationTokensPerCall(LMOperationalMetric):
    """Tokens cached per answer to the program's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}CacheCreationTokensPerCall"]


class AvgCachedTokensPerCall(LMOperationalMetric):
    """Cached prompt tokens per answer to the program's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}CachedTokensPerCall"]


class AvgCostPerCall(LMOperationalMetric):
    """Dollars per answer to the program's chat calls, in USD; None if it is unknown."""

    row = ROWS["Avg{}CostPerCall"]


class AvgEmbeddingCachedTokensPerCall(EmbeddingModelOperationalMetric):
    """Cached ones per answer to the program's embedding calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingCachedTokensPerCall"]


class AvgEmbeddingCostPerCall(EmbeddingModelOperationalMetric):
    """Dollars per answer to the program's embedding calls, in USD; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingCostPerCall"]


class AvgEmbeddingLatency(EmbeddingModelOperationalMetric):
    """Time the provider took per answer to the program's embedding calls, in seconds; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingLatency"]


class AvgEmbeddingTokensPerCall(EmbeddingModelOperationalMetric):
    """Tokens per answer to the program's embedding calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingTokensPerCall"]


class AvgEmbeddingVectorsPerCall(EmbeddingModelOperationalMetric):
    """Vectors per answer to the program's embedding calls, in vectors; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingVectorsPerCall"]


class AvgInputTokensPerCall(LMOperationalMetric):
    """Prompt tokens per answer to the program's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}InputTokensPerCall"]


class AvgLatency(LMOperationalMetric):
    """Time the provider took per answer to the program's chat calls, in seconds; None if it is unknown."""

    row = ROWS["Avg{}Latency"]


class AvgOptimizerCacheCreationTokensPerCall(LMOptimizersOperationalMetric):
    """Tokens cached per answer to the optimizer's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}CacheCreationTokensPerCall"]


class AvgOptimizerCachedTokensPerCall(LMOptimizersOperationalMetric):
    """Cached prompt tokens per answer to the optimizer's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}CachedTokensPerCall"]


class AvgOptimizerCostPerCall(LMOptimizersOperationalMetric):
    """Dollars per answer to the optimizer's chat calls, in USD; None if it is unknown."""

    row = ROWS["Avg{}CostPerCall"]


class AvgOptimizerEmbeddingCachedTokensPerCall(EmbeddingModelOptimizersOperationalMetric):
    """Cached ones per answer to the optimizer's embedding calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingCachedTokensPerCall"]


class AvgOptimizerEmbeddingCostPerCall(EmbeddingModelOptimizersOperationalMetric):
    """Dollars per answer to the optimizer's embedding calls, in USD; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingCostPerCall"]


class AvgOptimizerEmbeddingLatency(EmbeddingModelOptimizersOperationalMetric):
    """Time the provider took per answer to the optimizer's embedding calls, in seconds; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingLatency"]


class AvgOptimizerEmbeddingTokensPerCall(EmbeddingModelOptimizersOperationalMetric):
    """Tokens per answer to the optimizer's embedding calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingTokensPerCall"]


class AvgOptimizerEmbeddingVectorsPerCall(EmbeddingModelOptimizersOperationalMetric):
    """Vectors per answer to the optimizer's embedding calls, in vectors; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingVectorsPerCall"]


class AvgOptimizerInputTokensPerCall(LMOptimizersOperationalMetric):
    """Prompt tokens per answer to the optimizer's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}InputTokensPerCall"]


class AvgOptimizerLatency(LMOptimizersOperationalMetric):
    """Time the provider took per answer to the optimizer's chat calls, in seconds; None if it is unknown."""

    row = ROWS["Avg{}Latency"]


class AvgOptimizerOutputTokensPerCall(LMOptimizersOperationalMetric):
    """Answer tokens per answer to the optimizer's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}OutputTokensPerCall"]


class AvgOptimizerReasoningTokensPerCall(LMOptimizersOperationalMetric):
    """Tokens of thinking per answer to the optimizer's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}ReasoningTokensPerCall"]


class AvgOptimizerTotalTokensPerCall(LMOptimizersOperationalMetric):
    """Prompt and answer tokens per answer to the optimizer's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}TotalTokensPerCall"]


class AvgOutputTokensPerCall(LMOperationalMetric):
    """Answer tokens per answer to the program's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}OutputTokensPerCall"]


class AvgReasoningTokensPerCall(LMOperationalMetric):
    """Tokens of thinking per answer to the program's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}ReasoningTokensPerCall"]


class AvgRewardCacheCreationTokensPerCall(LMRewardsOperationalMetric):
    """Tokens cached per answer to the rewards' chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}CacheCreationTokensPerCall"]


class AvgRewardCachedTokensPerCall(LMRewardsOperationalMetric):
    """Cached prompt tokens per answer to the rewards' chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}CachedTokensPerCall"]


class AvgRewardCostPerCall(LMRewardsOperationalMetric):
    """Dollars per answer to the rewards' chat calls, in USD; None if it is unknown."""

    row = ROWS["Avg{}CostPerCall"]


class AvgRewardEmbeddingCachedTokensPerCall(EmbeddingModelRewardsOperationalMetric):
    """Cached ones per answer to the rewards' embedding calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingCachedTokensPerCall"]


class AvgRewardEmbeddingCostPerCall(EmbeddingModelRewardsOperationalMetric):
    """Dollars per answer to the rewards' embedding calls, in USD; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingCostPerCall"]


class AvgRewardEmbeddingLatency(EmbeddingModelRewardsOperationalMetric):
    """Time the provider took per answer to the rewards' embedding calls, in seconds; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingLatency"]


class AvgRewardEmbeddingTokensPerCall(EmbeddingModelRewardsOperationalMetric):
    """Tokens per answer to the rewards' embedding calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingTokensPerCall"]


class AvgRewardEmbeddingVectorsPerCall(EmbeddingModelRewardsOperationalMetric):
    """Vectors per answer to the rewards' embedding calls, in vectors; None if it is unknown."""

    row = ROWS["Avg{}EmbeddingVectorsPerCall"]


class AvgRewardInputTokensPerCall(LMRewardsOperationalMetric):
    """Prompt tokens per answer to the rewards' chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}InputTokensPerCall"]


class AvgRewardLatency(LMRewardsOperationalMetric):
    """Time the provider took per answer to the rewards' chat calls, in seconds; None if it is unknown."""

    row = ROWS["Avg{}Latency"]


class AvgRewardOutputTokensPerCall(LMRewardsOperationalMetric):
    """Answer tokens per answer to the rewards' chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}OutputTokensPerCall"]


class AvgRewardReasoningTokensPerCall(LMRewardsOperationalMetric):
    """Tokens of thinking per answer to the rewards' chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}ReasoningTokensPerCall"]


class AvgRewardTotalTokensPerCall(LMRewardsOperationalMetric):
    """Prompt and answer tokens per answer to the rewards' chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}TotalTokensPerCall"]


class AvgTimeToFirstToken(LMOperationalMetric):
    """Time to the first piece of the program's chat calls, in seconds; None if it is unknown."""

    row = ROWS["AvgTimeToFirstToken"]


class AvgTimeToLastToken(LMOperationalMetric):
    """Time to the last piece of the program's chat calls, in seconds; None if it is unknown."""

    row = ROWS["AvgTimeToLastToken"]


class AvgTotalTokensPerCall(LMOperationalMetric):
    """Prompt and answer tokens per answer to the program's chat calls, in tokens; None if it is unknown."""

    row = ROWS["Avg{}TotalTokensPerCall"]


class AvgTrajectoryTimeToFirstToken(LMOperationalMetric):
    """Time from the first of the program's chat calls for a sample to its first streamed piece, in seconds; None if
    it is unknown.
    """

    row = ROWS["AvgTrajectoryTimeToFirstToken"]


class CacheCreationTokens(LMOperationalMetric):
    """Prompt tokens of the program's chat calls that the provider cached, in tokens; None if a part is unknown."""

    row = ROWS["{}CacheCreationTokens"]


class CacheHitRate(LMOperationalMetric):
    """Share of the program's chat calls' prompt tokens that were cached, in 0 to 1; None if it is unknown."""

    row = ROWS["{}CacheHitRate"]


class CachedTokens(LMOperationalMetric):
    """Prompt tokens of the program's chat calls that the provider had cached, in tokens; None if a part is unknown."""

    row = ROWS["{}CachedTokens"]


class Cost(LMOperationalMetric):
    """Dollars of the program's chat calls, failed attempts included, in USD; None if a part is unknown."""

    row = ROWS["{}Cost"]


class EmbeddingCacheHitRate(EmbeddingModelOperationalMetric):
    """Share of the program's embedding calls' tokens that were cached, in 0 to 1; None if it is unknown."""

    row = ROWS["{}EmbeddingCacheHitRate"]


class EmbeddingCachedTokens(EmbeddingModelOperationalMetric):
    """Tokens of the program's embedding calls that the provider had cached, in tokens; None if a part is unknown."""

    row = ROWS["{}EmbeddingCachedTokens"]


class EmbeddingCost(EmbeddingModelOperationalMetric):
    """Dollars of the program's embedding calls, failed attempts included, in USD; None if a part is unknown."""

    row = ROWS["{}EmbeddingCost"]


class EmbeddingErrorRate(EmbeddingModelOperationalMetric):
    """Share of the program's embedding calls that failed for good, in 0 to 1; None if it is unknown."""

    row = ROWS["{}EmbeddingErrorRate"]


class EmbeddingFailedCalls(EmbeddingModelOperationalMetric):
    """How many of the program's embedding calls failed for good, in calls; None if a part is unknown."""

    row = ROWS["{}EmbeddingFailedCalls"]


class EmbeddingFallbackActivations(EmbeddingModelOperationalMetric):
    """How many of the program's embedding calls a fallback was asked, in calls; None if a part is unknown."""

    row = ROWS["{}EmbeddingFallbackActivations"]


class EmbeddingThroughput(EmbeddingModelOperationalMetric):
    """Rate of the program's embedding calls while there are any, in calls per second; None if it is unknown."""

    row = ROWS["{}EmbeddingThroughput"]


class EmbeddingTokens(EmbeddingModelOperationalMetric):
    """Tokens of the texts of the program's embedding calls, in tokens; None if a part is unknown."""

    row = ROWS["{}EmbeddingTokens"]


class EmbeddingTokensPerSecond(EmbeddingModelOperationalMetric):
    """Speed of the program's embedding calls, in tokens per second; None if it is unknown."""

    row = ROWS["{}EmbeddingTokensPerSecond"]


class EmbeddingVectors(EmbeddingModelOperationalMetric):
    """Vectors of the program's embedding calls, in vectors; None if a part is unknown."""

    row = ROWS["{}EmbeddingVectors"]


class EmbeddingVectorsPerSecond(EmbeddingModelOperationalMetric):
    """Speed of the program's embedding calls, in vectors per second; None if it is unknown."""

    row = ROWS["{}EmbeddingVectorsPerSecond"]


class ErrorRate(LMOperationalMetric):
    """Share of the program's chat calls that failed for good, in 0 to 1; None if it is unknown."""

    row = ROWS["{}ErrorRate"]


class FailedCalls(LMOperationalMetric):
    """How many of the program's chat calls failed for good, in calls; None if a part is unknown."""

    row = ROWS["{}FailedCalls"]


class FallbackActivations(LMOperationalMetric):
    """How many of the program's chat calls a fallback was asked, in calls; None if a part is unknown."""

    row = ROWS["{}FallbackActivations"]


class InputTokens(LMOperationalMetric):
    """Prompt tokens of the program's chat calls, cached ones included, in tokens; None if a part is unknown."""

    row = ROWS["{}InputTokens"]


class OptimizerCacheCreationTokens(LMOptimizersOperationalMetric):
    """Prompt tokens of the optimizer's chat calls that the provider cached, in tokens; None if a part is unknown."""

    row = ROWS["{}CacheCreationTokens"]


class OptimizerCacheHitRate(LMOptimizersOperationalMetric):
    """Share of the optimizer's chat calls' prompt tokens that were cached, in 0 to 1; None if it is unknown."""

    row = ROWS["{}CacheHitRate"]


class OptimizerCachedTokens(LMOptimizersOperationalMetric):
    """Prompt tokens of the optimizer's chat calls that the provider had cached, in tokens; None if a part is
    unknown.
    """

    row = ROWS["{}CachedTokens"]


class OptimizerCost(LMOptimizersOperationalMetric):
    """Dollars of the optimizer's chat calls, failed attempts included, in USD; None if a part is unknown."""

    row = ROWS["{}Cost"]


class OptimizerEmbeddingCacheHitRate(EmbeddingModelOptimizersOperationalMetric):
    """Share of the optimizer's embedding calls' tokens that were cached, in 0 to 1; None if it is unknown."""

    row = ROWS["{}EmbeddingCacheHitRate"]


class OptimizerEmbeddingCachedTokens(EmbeddingModelOptimizersOperationalMetric):
    """Tokens of the optimizer's embedding calls that the provider had cached, in tokens; None if a part is unknown."""

    row = ROWS["{}EmbeddingCachedTokens"]


class OptimizerEmbeddingCost(EmbeddingModelOptimizersOperationalMetric):
    """Dollars of the optimizer's embedding calls, failed attempts included, in USD; None if a part is unknown."""

    row = ROWS["{}EmbeddingCost"]


class OptimizerEmbeddingErrorRate(EmbeddingModelOptimizersOperationalMetric):
    """Share of the optimizer's embedding calls that failed for good, in 0 to 1; None if it is unknown."""

    row = ROWS["{}EmbeddingErrorRate"]


class OptimizerEmbeddingFailedCalls(EmbeddingModelOptimizersOperationalMetric):
    """How many of the optimizer's embedding calls failed for good, in calls; None if a part is unknown."""

    row = ROWS["{}EmbeddingFailedCalls"]


class OptimizerEmbeddingFallbackActivations(EmbeddingModelOptimizersOperationalMetric):
    """How many of the optimizer's embedding calls a fallback was asked, in calls; None if a part is unknown."""

    row = ROWS["{}EmbeddingFallbackActivations"]


class OptimizerEmbeddingThroughput(EmbeddingModelOptimizersOperationalMetric):
    """Rate of the optimizer's embedding calls while there are any, in calls per second; None if it is unknown."""

    row = ROWS["{}EmbeddingThroughput"]


class OptimizerEmbeddingTokens(EmbeddingModelOptimizersOperationalMetric):
    """Tokens of the texts of the optimizer's embedding calls, in tokens; None if a part is unknown."""

    row = ROWS["{}EmbeddingTokens"]


class OptimizerEmbeddingTokensPerSecond(EmbeddingModelOptimizersOperationalMetric):
    """Speed of the optimizer's embedding calls, in tokens per second; None if it is unknown."""

    row = ROWS["{}EmbeddingTokensPerSecond"]


class OptimizerEmbeddingVectors(EmbeddingModelOptimizersOperationalMetric):
    """Vectors of the optimizer's embedding calls, in vectors; None if a part is unknown."""

    row = ROWS["{}EmbeddingVectors"]


class OptimizerEmbeddingVectorsPerSecond(EmbeddingModelOptimizersOperationalMetric):
    """Speed of the optimizer's embedding calls, in vectors per second; None if it is unknown."""

    row = ROWS["{}EmbeddingVectorsPerSecond"]


class OptimizerErrorRate(LMOptimizersOperationalMetric):
    """Share of the optimizer's chat calls that failed for good, in 0 to 1; None if it is unknown."""

    row = ROWS["{}ErrorRate"]


class OptimizerFailedCalls(LMOptimizersOperationalMetric):
    """How many of the optimizer's chat calls failed for good, in calls; None if a part is unknown."""

    row = ROWS["{}FailedCalls"]


class OptimizerFallbackActivations(LMOptimizersOperationalMetric):
    """How many of the optimizer's chat calls a fallback was asked, in calls; None if a part is unknown."""

    row = ROWS["{}FallbackActivations"]


class OptimizerInputTokens(LMOptimizersOperationalMetric):
    """Prompt tokens of the optimizer's chat calls, cached ones included, in tokens; None if a part is unknown."""

    row = ROWS["{}InputTokens"]


class OptimizerOutputTokens(LMOptimizersOperationalMetric):
    """Tokens of the answers to the optimizer's chat calls, reasoning included, in tokens; None if a part is
    unknown.
    """

    row = ROWS["{}OutputTokens"]


class OptimizerReasoningTokenShare(LMOptimizersOperationalMetric):
    """Share of thinking in the answer tokens of the optimizer's chat calls, in 0 to 1; None if it is unknown."""

    row = ROWS["{}ReasoningTokenShare"]


class OptimizerReasoningTokens(LMOptimizersOperationalMetric):
    """Tokens of thinking in the optimizer's chat calls, in tokens; None if a part is unknown."""

    row = ROWS["{}ReasoningTokens"]


class OptimizerThroughput(LMOptimizersOperationalMetric):
    """Rate of the optimizer's chat calls while there are any, in calls per second; None if it is unknown."""

    row = ROWS["{}Throughput"]


class OptimizerTokensPerSecond(LMOptimizersOperationalMetric):
    """Speed of the answers to the optimizer's chat calls, in tokens per second; None if it is unknown."""

    row = ROWS["{}TokensPerSecond"]


class OptimizerTotalTokens(LMOptimizersOperationalMetric):
    """Prompt and answer tokens of the optimizer's chat calls, in tokens; None if a part is unknown."""

    row = ROWS["{}TotalTokens"]


class OutputTokens(LMOperationalMetric):
    """Tokens of the answers to the program's chat calls, reasoning included, in tokens; None if a part is unknown."""

    row = ROWS["{}OutputTokens"]


class ProgramAvgCostPerInvocation(ProgramOperationalMetric):
    """Dollars per call of the program, in USD; None if it is unknown."""

    row = ROWS["ProgramAvgCostPerInvocation"]


class ProgramCalls(ProgramOperationalMetric):
    """How often the program was called, in samples; None if a part is unknown."""

    row = ROWS["ProgramCalls"]


class ProgramCallsPerSecond(ProgramOperationalMetric):
    """Rate of the program's calls, in samples per second; None if it is unknown."""

    row = ROWS["ProgramCallsPerSecond"]


class ProgramCost(ProgramOperationalMetric):
    """Dollars of the program's calls, failed attempts included, in USD; None if a part is unknown."""

    row = ROWS["ProgramCost"]


class ProgramElapsedTime(ProgramOperationalMetric):
    """Seconds of the program's calls, added up, in seconds; None if a part is unknown."""

    row = ROWS["ProgramElapsedTime"]


class ReasoningTokenShare(LMOperationalMetric):
    """Share of thinking in the answer tokens of the program's chat calls, in 0 to 1; None if it is unknown."""

    row = ROWS["{}ReasoningTokenShare"]


class ReasoningTokens(LMOperationalMetric):
    """Tokens of thinking in the program's chat calls, in tokens; None if a part is unknown."""

    row = ROWS["{}ReasoningTokens"]


class RewardCacheCreationTokens(LMRewardsOperationalMetric):
    """Prompt tokens of the rewards' chat calls that the provider cached, in tokens; None if a part is unknown."""

    row = ROWS["{}CacheCreationTokens"]


class RewardCacheHitRate(LMRewardsOperationalMetric):
    """Share of the rewards' chat calls' prompt tokens that were cached, in 0 to 1; None if it is unknown."""

    row = ROWS["{}CacheHitRate"]


class RewardCachedTokens(LMRewardsOperationalMetric):
    """Prompt tokens of the rewards' chat calls that the provider had cached, in tokens; None if a part is unknown."""

    row = ROWS["{}CachedTokens"]


class RewardCost(LMRewardsOperationalMetric):
    """Dollars of the rewards' chat calls, failed attempts included, in USD; None if a part is unknown."""

    row = ROWS["{}Cost"]


class RewardEmbeddingCacheHitRate(EmbeddingModelRewardsOperationalMetric):
    """Share of the rewards' embedding calls' tokens that were cached, in 0 to 1; None if it is unknown."""

    row = ROWS["{}EmbeddingCacheHitRate"]


class RewardEmbeddingCachedTokens(EmbeddingModelRewardsOperationalMetric):
    """Tokens of the rewards' embedding calls that the provider had cached, in tokens; None if a part is unknown."""

    row = ROWS["{}EmbeddingCachedTokens"]


class RewardEmbeddingCost(EmbeddingModelRewardsOperationalMetric):
    """Dollars of the rewards' embedding calls, failed attempts included, in USD; None if a part is unknown."""

    row = ROWS["{}EmbeddingCost"]


class RewardEmbeddingErrorRate(EmbeddingModelRewardsOperationalMetric):
    """Share of the rewards' embedding calls that failed for good, in 0 to 1; None if it is unknown."""

    row = ROWS["{}EmbeddingErrorRate"]


class RewardEmbeddingFailedCalls(EmbeddingModelRewardsOperationalMetric):
    """How many of the rewards' embedding calls failed for good, in calls; None if a part is unknown."""

    row = ROWS["{}EmbeddingFailedCalls"]


class RewardEmbeddingFallbackActivations(EmbeddingModelRewardsOperationalMetric):
    """How many of the rewards' embedding calls a fallback was asked, in calls; None if a part is unknown."""

    row = ROWS["{}EmbeddingFallbackActivations"]


class RewardEmbeddingThroughput(EmbeddingModelRewardsOperationalMetric):
    """Rate of the rewards' embedding calls while there are any, in calls per second; None if it is unknown."""

    row = ROWS["{}EmbeddingThroughput"]


class RewardEmbeddingTokens(EmbeddingModelRewardsOperationalMetric):
    """Tokens of the texts of the rewards' embedding calls, in tokens; None if a part is unknown."""

    row = ROWS["{}EmbeddingTokens"]


class RewardEmbeddingTokensPerSecond(EmbeddingModelRewardsOperationalMetric):
    """Speed of the rewards' embedding calls, in tokens per second; None if it is unknown."""

    row = ROWS["{}EmbeddingTokensPerSecond"]


class RewardEmbeddingVectors(EmbeddingModelRewardsOperationalMetric):
    """Vectors of the rewards' embedding calls, in vectors; None if a part is unknown."""

    row = ROWS["{}EmbeddingVectors"]


class RewardEmbeddingVectorsPerSecond(EmbeddingModelRewardsOperationalMetric):
    """Speed of the rewards' embedding calls, in vectors per second; None if it is unknown."""

    row = ROWS["{}EmbeddingVectorsPerSecond"]


class RewardErrorRate(LMRewardsOperationalMetric):
    """Share of the rewards' chat calls that failed for good, in 0 to 1; None if it is unknown."""

    row = ROWS["{}ErrorRate"]


class RewardFailedCalls(LMRewardsOperationalMetric):
    """How many of the rewards' chat calls failed for good, in calls; None if a part is unknown."""

    row = ROWS["{}FailedCalls"]


class RewardFallbackActivations(LMRewardsOperationalMetric):
    """How many of the rewards' chat calls a fallback was asked, in calls; None if a part is unknown."""

    row = ROWS["{}FallbackActivations"]


class RewardInputTokens(LMRewardsOperationalMetric):
    """Prompt tokens of the rewards' chat calls, cached ones included, in tokens; None if a part is unknown."""

    row = ROWS["{}InputTokens"]


class RewardOutputTokens(LMRewardsOperationalMetric):
    """Tokens of the answers to the rewards' chat calls, reasoning included, in tokens; None if a part is unknown."""

    row = ROWS["{}OutputTokens"]


class RewardReasoningTokenShare(LMRewardsOperationalMetric):
    """Share of thinking in the answer tokens of the rewards' chat calls, in 0 to 1; None if it is unknown."""

    row = ROWS["{}ReasoningTokenShare"]


class RewardReasoningTokens(LMRewardsOperationalMetric):
    """Tokens of thinking in the rewards' chat calls, in tokens; None if a part is unknown."""

    row = ROWS["{}ReasoningTokens"]


class RewardThroughput(LMRewardsOperationalMetric):
    """Rate of the rewards' chat calls while there are any, in calls per second; None if it is unknown."""

    row = ROWS["{}Throughput"]


class RewardTokensPerSecond(LMRewardsOperationalMetric):
    """Speed of the answers to the rewards' chat calls, in tokens per second; None if it is unknown."""

    row = ROWS["{}TokensPerSecond"]


class RewardTotalTokens(LMRewardsOperationalMetric):
    """Prompt and answer tokens of the rewards' chat calls, in tokens; None if a part is unknown."""

    row = ROWS["{}TotalTokens"]


class Throughput(LMOperationalMetric):
    """Rate of the program's chat calls while there are any, in calls per second; None if it is unknown."""

    row = ROWS["{}Throughput"]


class TokensPerSecond(LMOperationalMetric):
    """Speed of the answers to the program's chat calls, in tokens per second; None if it is unknown."""

    row = ROWS["{}TokensPerSecond"]


class TotalTokens(LMOperationalMetric):
    """Prompt and answer tokens of the program's chat calls, in tokens; None if a part is unknown."""

    row = ROWS["{}TotalTokens"]
