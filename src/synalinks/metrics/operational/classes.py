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


class AvgCachedTokensPerCall(LMOperationalMetric):
    """Cached prompt tokens per answer to the program's chat calls, in tokens; None if it is unknown."""


class AvgCostPerCall(LMOperationalMetric):
    """Dollars per answer to the program's chat calls, in USD; None if it is unknown."""


class AvgEmbeddingCachedTokensPerCall(EmbeddingModelOperationalMetric):
    """Cached ones per answer to the program's embedding calls, in tokens; None if it is unknown."""


class AvgEmbeddingCostPerCall(EmbeddingModelOperationalMetric):
    """Dollars per answer to the program's embedding calls, in USD; None if it is unknown."""


class AvgEmbeddingLatency(EmbeddingModelOperationalMetric):
    """Time the provider took per answer to the program's embedding calls, in seconds; None if it is unknown."""


class AvgEmbeddingTokensPerCall(EmbeddingModelOperationalMetric):
    """Tokens per answer to the program's embedding calls, in tokens; None if it is unknown."""


class AvgEmbeddingVectorsPerCall(EmbeddingModelOperationalMetric):
    """Vectors per answer to the program's embedding calls, in vectors; None if it is unknown."""


class AvgInputTokensPerCall(LMOperationalMetric):
    """Prompt tokens per answer to the program's chat calls, in tokens; None if it is unknown."""


class AvgLatency(LMOperationalMetric):
    """Time the provider took per answer to the program's chat calls, in seconds; None if it is unknown."""


class AvgOptimizerCacheCreationTokensPerCall(LMOptimizersOperationalMetric):
    """Tokens cached per answer to the optimizer's chat calls, in tokens; None if it is unknown."""


class AvgOptimizerCachedTokensPerCall(LMOptimizersOperationalMetric):
    """Cached prompt tokens per answer to the optimizer's chat calls, in tokens; None if it is unknown."""


class AvgOptimizerCostPerCall(LMOptimizersOperationalMetric):
    """Dollars per answer to the optimizer's chat calls, in USD; None if it is unknown."""


class AvgOptimizerEmbeddingCachedTokensPerCall(EmbeddingModelOptimizersOperationalMetric):
    """Cached ones per answer to the optimizer's embedding calls, in tokens; None if it is unknown."""


class AvgOptimizerEmbeddingCostPerCall(EmbeddingModelOptimizersOperationalMetric):
    """Dollars per answer to the optimizer's embedding calls, in USD; None if it is unknown."""


class AvgOptimizerEmbeddingLatency(EmbeddingModelOptimizersOperationalMetric):
    """Time the provider took per answer to the optimizer's embedding calls, in seconds; None if it is unknown."""


class AvgOptimizerEmbeddingTokensPerCall(EmbeddingModelOptimizersOperationalMetric):
    """Tokens per answer to the optimizer's embedding calls, in tokens; None if it is unknown."""


class AvgOptimizerEmbeddingVectorsPerCall(EmbeddingModelOptimizersOperationalMetric):
    """Vectors per answer to the optimizer's embedding calls, in vectors; None if it is unknown."""


class AvgOptimizerInputTokensPerCall(LMOptimizersOperationalMetric):
    """Prompt tokens per answer to the optimizer's chat calls, in tokens; None if it is unknown."""


class AvgOptimizerLatency(LMOptimizersOperationalMetric):
    """Time the provider took per answer to the optimizer's chat calls, in seconds; None if it is unknown."""


class AvgOptimizerOutputTokensPerCall(LMOptimizersOperationalMetric):
    """Answer tokens per answer to the optimizer's chat calls, in tokens; None if it is unknown."""


class AvgOptimizerReasoningTokensPerCall(LMOptimizersOperationalMetric):
    """Tokens of thinking per answer to the optimizer's chat calls, in tokens; None if it is unknown."""


class AvgOptimizerTotalTokensPerCall(LMOptimizersOperationalMetric):
    """Prompt and answer tokens per answer to the optimizer's chat calls, in tokens; None if it is unknown."""


class AvgOutputTokensPerCall(LMOperationalMetric):
    """Answer tokens per answer to the program's chat calls, in tokens; None if it is unknown."""


class AvgReasoningTokensPerCall(LMOperationalMetric):
    """Tokens of thinking per answer to the program's chat calls, in tokens; None if it is unknown."""


class AvgRewardCacheCreationTokensPerCall(LMRewardsOperationalMetric):
    """Tokens cached per answer to the rewards' chat calls, in tokens; None if it is unknown."""


class AvgRewardCachedTokensPerCall(LMRewardsOperationalMetric):
    """Cached prompt tokens per answer to the rewards' chat calls, in tokens; None if it is unknown."""


class AvgRewardCostPerCall(LMRewardsOperationalMetric):
    """Dollars per answer to the rewards' chat calls, in USD; None if it is unknown."""


class AvgRewardEmbeddingCachedTokensPerCall(EmbeddingModelRewardsOperationalMetric):
    """Cached ones per answer to the rewards' embedding calls, in tokens; None if it is unknown."""


class AvgRewardEmbeddingCostPerCall(EmbeddingModelRewardsOperationalMetric):
    """Dollars per answer to the rewards' embedding calls, in USD; None if it is unknown."""


class AvgRewardEmbeddingLatency(EmbeddingModelRewardsOperationalMetric):
    """Time the provider took per answer to the rewards' embedding calls, in seconds; None if it is unknown."""


class AvgRewardEmbeddingTokensPerCall(EmbeddingModelRewardsOperationalMetric):
    """Tokens per answer to the rewards' embedding calls, in tokens; None if it is unknown."""


class AvgRewardEmbeddingVectorsPerCall(EmbeddingModelRewardsOperationalMetric):
    """Vectors per answer to the rewards' embedding calls, in vectors; None if it is unknown."""


class AvgRewardInputTokensPerCall(LMRewardsOperationalMetric):
    """Prompt tokens per answer to the rewards' chat calls, in tokens; None if it is unknown."""


class AvgRewardLatency(LMRewardsOperationalMetric):
    """Time the provider took per answer to the rewards' chat calls, in seconds; None if it is unknown."""


class AvgRewardOutputTokensPerCall(LMRewardsOperationalMetric):
    """Answer tokens per answer to the rewards' chat calls, in tokens; None if it is unknown."""


class AvgRewardReasoningTokensPerCall(LMRewardsOperationalMetric):
    """Tokens of thinking per answer to the rewards' chat calls, in tokens; None if it is unknown."""


class AvgRewardTotalTokensPerCall(LMRewardsOperationalMetric):
    """Prompt and answer tokens per answer to the rewards' chat calls, in tokens; None if it is unknown."""


class AvgTimeToFirstToken(LMOperationalMetric):
    """Time to the first piece of the program's chat calls, in seconds; None if it is unknown."""


class AvgTimeToLastToken(LMOperationalMetric):
    """Time to the last piece of the program's chat calls, in seconds; None if it is unknown."""


class AvgTotalTokensPerCall(LMOperationalMetric):
    """Prompt and answer tokens per answer to the program's chat calls, in tokens; None if it is unknown."""


class AvgTrajectoryTimeToFirstToken(LMOperationalMetric):
    """Time from the first of the program's chat calls for a sample to its first streamed piece, in seconds; None if
    it is unknown.
    """


class CacheCreationTokens(LMOperationalMetric):
    """Prompt tokens of the program's chat calls that the provider cached, in tokens; None if a part is unknown."""


class CacheHitRate(LMOperationalMetric):
    """Share of the program's chat calls' prompt tokens that were cached, in 0 to 1; None if it is unknown."""


class CachedTokens(LMOperationalMetric):
    """Prompt tokens of the program's chat calls that the provider had cached, in tokens; None if a part is unknown."""


class Cost(LMOperationalMetric):
    """Dollars of the program's chat calls, failed attempts included, in USD; None if a part is unknown."""


class EmbeddingCacheHitRate(EmbeddingModelOperationalMetric):
    """Share of the program's embedding calls' tokens that were cached, in 0 to 1; None if it is unknown."""


class EmbeddingCachedTokens(EmbeddingModelOperationalMetric):
    """Tokens of the program's embedding calls that the provider had cached, in tokens; None if a part is unknown."""


class EmbeddingCost(EmbeddingModelOperationalMetric):
    """Dollars of the program's embedding calls, failed attempts included, in USD; None if a part is unknown."""


class EmbeddingErrorRate(EmbeddingModelOperationalMetric):
    """Share of the program's embedding calls that failed for good, in 0 to 1; None if it is unknown."""


class EmbeddingFailedCalls(EmbeddingModelOperationalMetric):
    """How many of the program's embedding calls failed for good, in calls; None if a part is unknown."""


class EmbeddingFallbackActivations(EmbeddingModelOperationalMetric):
    """How many of the program's embedding calls a fallback was asked, in calls; None if a part is unknown."""


class EmbeddingThroughput(EmbeddingModelOperationalMetric):
    """Rate of the program's embedding calls while there are any, in calls per second; None if it is unknown."""


class EmbeddingTokens(EmbeddingModelOperationalMetric):
    """Tokens of the texts of the program's embedding calls, in tokens; None if a part is unknown."""


class EmbeddingTokensPerSecond(EmbeddingModelOperationalMetric):
    """Speed of the program's embedding calls, in tokens per second; None if it is unknown."""


class EmbeddingVectors(EmbeddingModelOperationalMetric):
    """Vectors of the program's embedding calls, in vectors; None if a part is unknown."""


class EmbeddingVectorsPerSecond(EmbeddingModelOperationalMetric):
    """Speed of the program's embedding calls, in vectors per second; None if it is unknown."""


class ErrorRate(LMOperationalMetric):
    """Share of the program's chat calls that failed for good, in 0 to 1; None if it is unknown."""


class FailedCalls(LMOperationalMetric):
    """How many of the program's chat calls failed for good, in calls; None if a part is unknown."""


class FallbackActivations(LMOperationalMetric):
    """How many of the program's chat calls a fallback was asked, in calls; None if a part is unknown."""


class InputTokens(LMOperationalMetric):
    """Prompt tokens of the program's chat calls, cached ones included, in tokens; None if a part is unknown."""


class OptimizerCacheCreationTokens(LMOptimizersOperationalMetric):
    """Prompt tokens of the optimizer's chat calls that the provider cached, in tokens; None if a part is unknown."""


class OptimizerCacheHitRate(LMOptimizersOperationalMetric):
    """Share of the optimizer's chat calls' prompt tokens that were cached, in 0 to 1; None if it is unknown."""


class OptimizerCachedTokens(LMOptimizersOperationalMetric):
    """Prompt tokens of the optimizer's chat calls that the provider had cached, in tokens; None if a part is
    unknown.
    """


class OptimizerCost(LMOptimizersOperationalMetric):
    """Dollars of the optimizer's chat calls, failed attempts included, in USD; None if a part is unknown."""


class OptimizerEmbeddingCacheHitRate(EmbeddingModelOptimizersOperationalMetric):
    """Share of the optimizer's embedding calls' tokens that were cached, in 0 to 1; None if it is unknown."""


class OptimizerEmbeddingCachedTokens(EmbeddingModelOptimizersOperationalMetric):
    """Tokens of the optimizer's embedding calls that the provider had cached, in tokens; None if a part is unknown."""


class OptimizerEmbeddingCost(EmbeddingModelOptimizersOperationalMetric):
    """Dollars of the optimizer's embedding calls, failed attempts included, in USD; None if a part is unknown."""


class OptimizerEmbeddingErrorRate(EmbeddingModelOptimizersOperationalMetric):
    """Share of the optimizer's embedding calls that failed for good, in 0 to 1; None if it is unknown."""


class OptimizerEmbeddingFailedCalls(EmbeddingModelOptimizersOperationalMetric):
    """How many of the optimizer's embedding calls failed for good, in calls; None if a part is unknown."""


class OptimizerEmbeddingFallbackActivations(EmbeddingModelOptimizersOperationalMetric):
    """How many of the optimizer's embedding calls a fallback was asked, in calls; None if a part is unknown."""


class OptimizerEmbeddingThroughput(EmbeddingModelOptimizersOperationalMetric):
    """Rate of the optimizer's embedding calls while there are any, in calls per second; None if it is unknown."""


class OptimizerEmbeddingTokens(EmbeddingModelOptimizersOperationalMetric):
    """Tokens of the texts of the optimizer's embedding calls, in tokens; None if a part is unknown."""


class OptimizerEmbeddingTokensPerSecond(EmbeddingModelOptimizersOperationalMetric):
    """Speed of the optimizer's embedding calls, in tokens per second; None if it is unknown."""


class OptimizerEmbeddingVectors(EmbeddingModelOptimizersOperationalMetric):
    """Vectors of the optimizer's embedding calls, in vectors; None if a part is unknown."""


class OptimizerEmbeddingVectorsPerSecond(EmbeddingModelOptimizersOperationalMetric):
    """Speed of the optimizer's embedding calls, in vectors per second; None if it is unknown."""


class OptimizerErrorRate(LMOptimizersOperationalMetric):
    """Share of the optimizer's chat calls that failed for good, in 0 to 1; None if it is unknown."""


class OptimizerFailedCalls(LMOptimizersOperationalMetric):
    """How many of the optimizer's chat calls failed for good, in calls; None if a part is unknown."""


class OptimizerFallbackActivations(LMOptimizersOperationalMetric):
    """How many of the optimizer's chat calls a fallback was asked, in calls; None if a part is unknown."""


class OptimizerInputTokens(LMOptimizersOperationalMetric):
    """Prompt tokens of the optimizer's chat calls, cached ones included, in tokens; None if a part is unknown."""


class OptimizerOutputTokens(LMOptimizersOperationalMetric):
    """Tokens of the answers to the optimizer's chat calls, reasoning included, in tokens; None if a part is
    unknown.
    """


class OptimizerReasoningTokenShare(LMOptimizersOperationalMetric):
    """Share of thinking in the answer tokens of the optimizer's chat calls, in 0 to 1; None if it is unknown."""


class OptimizerReasoningTokens(LMOptimizersOperationalMetric):
    """Tokens of thinking in the optimizer's chat calls, in tokens; None if a part is unknown."""


class OptimizerThroughput(LMOptimizersOperationalMetric):
    """Rate of the optimizer's chat calls while there are any, in calls per second; None if it is unknown."""


class OptimizerTokensPerSecond(LMOptimizersOperationalMetric):
    """Speed of the answers to the optimizer's chat calls, in tokens per second; None if it is unknown."""


class OptimizerTotalTokens(LMOptimizersOperationalMetric):
    """Prompt and answer tokens of the optimizer's chat calls, in tokens; None if a part is unknown."""


class OutputTokens(LMOperationalMetric):
    """Tokens of the answers to the program's chat calls, reasoning included, in tokens; None if a part is unknown."""


class ProgramAvgCostPerInvocation(ProgramOperationalMetric):
    """Dollars per call of the program, in USD; None if it is unknown."""


class ProgramCalls(ProgramOperationalMetric):
    """How often the program was called, in samples; None if a part is unknown."""


class ProgramCallsPerSecond(ProgramOperationalMetric):
    """Rate of the program's calls, in samples per second; None if it is unknown."""


class ProgramCost(ProgramOperationalMetric):
    """Dollars of the program's calls, failed attempts included, in USD; None if a part is unknown."""


class ProgramElapsedTime(ProgramOperationalMetric):
    """Seconds of the program's calls, added up, in seconds; None if a part is unknown."""


class ReasoningTokenShare(LMOperationalMetric):
    """Share of thinking in the answer tokens of the program's chat calls, in 0 to 1; None if it is unknown."""


class ReasoningTokens(LMOperationalMetric):
    """Tokens of thinking in the program's chat calls, in tokens; None if a part is unknown."""


class RewardCacheCreationTokens(LMRewardsOperationalMetric):
    """Prompt tokens of the rewards' chat calls that the provider cached, in tokens; None if a part is unknown."""


class RewardCacheHitRate(LMRewardsOperationalMetric):
    """Share of the rewards' chat calls' prompt tokens that were cached, in 0 to 1; None if it is unknown."""


class RewardCachedTokens(LMRewardsOperationalMetric):
    """Prompt tokens of the rewards' chat calls that the provider had cached, in tokens; None if a part is unknown."""


class RewardCost(LMRewardsOperationalMetric):
    """Dollars of the rewards' chat calls, failed attempts included, in USD; None if a part is unknown."""


class RewardEmbeddingCacheHitRate(EmbeddingModelRewardsOperationalMetric):
    """Share of the rewards' embedding calls' tokens that were cached, in 0 to 1; None if it is unknown."""


class RewardEmbeddingCachedTokens(EmbeddingModelRewardsOperationalMetric):
    """Tokens of the rewards' embedding calls that the provider had cached, in tokens; None if a part is unknown."""


class RewardEmbeddingCost(EmbeddingModelRewardsOperationalMetric):
    """Dollars of the rewards' embedding calls, failed attempts included, in USD; None if a part is unknown."""


class RewardEmbeddingErrorRate(EmbeddingModelRewardsOperationalMetric):
    """Share of the rewards' embedding calls that failed for good, in 0 to 1; None if it is unknown."""


class RewardEmbeddingFailedCalls(EmbeddingModelRewardsOperationalMetric):
    """How many of the rewards' embedding calls failed for good, in calls; None if a part is unknown."""


class RewardEmbeddingFallbackActivations(EmbeddingModelRewardsOperationalMetric):
    """How many of the rewards' embedding calls a fallback was asked, in calls; None if a part is unknown."""


class RewardEmbeddingThroughput(EmbeddingModelRewardsOperationalMetric):
    """Rate of the rewards' embedding calls while there are any, in calls per second; None if it is unknown."""


class RewardEmbeddingTokens(EmbeddingModelRewardsOperationalMetric):
    """Tokens of the texts of the rewards' embedding calls, in tokens; None if a part is unknown."""


class RewardEmbeddingTokensPerSecond(EmbeddingModelRewardsOperationalMetric):
    """Speed of the rewards' embedding calls, in tokens per second; None if it is unknown."""


class RewardEmbeddingVectors(EmbeddingModelRewardsOperationalMetric):
    """Vectors of the rewards' embedding calls, in vectors; None if a part is unknown."""


class RewardEmbeddingVectorsPerSecond(EmbeddingModelRewardsOperationalMetric):
    """Speed of the rewards' embedding calls, in vectors per second; None if it is unknown."""


class RewardErrorRate(LMRewardsOperationalMetric):
    """Share of the rewards' chat calls that failed for good, in 0 to 1; None if it is unknown."""


class RewardFailedCalls(LMRewardsOperationalMetric):
    """How many of the rewards' chat calls failed for good, in calls; None if a part is unknown."""


class RewardFallbackActivations(LMRewardsOperationalMetric):
    """How many of the rewards' chat calls a fallback was asked, in calls; None if a part is unknown."""


class RewardInputTokens(LMRewardsOperationalMetric):
    """Prompt tokens of the rewards' chat calls, cached ones included, in tokens; None if a part is unknown."""


class RewardOutputTokens(LMRewardsOperationalMetric):
    """Tokens of the answers to the rewards' chat calls, reasoning included, in tokens; None if a part is unknown."""


class RewardReasoningTokenShare(LMRewardsOperationalMetric):
    """Share of thinking in the answer tokens of the rewards' chat calls, in 0 to 1; None if it is unknown."""


class RewardReasoningTokens(LMRewardsOperationalMetric):
    """Tokens of thinking in the rewards' chat calls, in tokens; None if a part is unknown."""


class RewardThroughput(LMRewardsOperationalMetric):
    """Rate of the rewards' chat calls while there are any, in calls per second; None if it is unknown."""


class RewardTokensPerSecond(LMRewardsOperationalMetric):
    """Speed of the answers to the rewards' chat calls, in tokens per second; None if it is unknown."""


class RewardTotalTokens(LMRewardsOperationalMetric):
    """Prompt and answer tokens of the rewards' chat calls, in tokens; None if a part is unknown."""


class Throughput(LMOperationalMetric):
    """Rate of the program's chat calls while there are any, in calls per second; None if it is unknown."""


class TokensPerSecond(LMOperationalMetric):
    """Speed of the answers to the program's chat calls, in tokens per second; None if it is unknown."""


class TotalTokens(LMOperationalMetric):
    """Prompt and answer tokens of the program's chat calls, in tokens; None if a part is unknown."""
