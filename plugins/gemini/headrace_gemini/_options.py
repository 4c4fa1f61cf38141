"""What may be an option of a model, or of a request."""

from __future__ import annotations

__all__ = ["FIELDS", "TYPED"]

TYPED = frozenset(
    {
        *("contents", "systemInstruction", "system_instruction", "tools", "toolConfig"),
        *("tool_config", "generationConfig", "generation_config", "candidateCount"),
        *("candidate_count", "responseMimeType", "response_mime_type", "responseSchema"),
        *("response_schema", "responseJsonSchema", "response_json_schema", "httpOptions"),
        *("http_options", "shouldReturnHttpResponse", "should_return_http_response"),
        *("automaticFunctionCalling", "automatic_function_calling", "automaticContinuation"),
        *("automatic_continuation", "continuationToken", "continuation_token"),
    }
)
"""Options that are told in another way, or that would change what an answer is."""
FIELDS = {
    "max_tokens": ("maxOutputTokens", "max_output_tokens"),
    "stop": ("stopSequences", "stop_sequences"),
    "temperature": ("temperature",),
}
"""The options that say the same as a field of a request."""
