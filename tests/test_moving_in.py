"""Who comes from Apache Flink Agents finds each name of its API, or why there is none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
# The public names of flink_agents.api in release 0.3.1 and on its main branch of August 2026:
# classes, functions, decorators, options, and what agents call of the context, the environment and
# memory. Of the options of its state stores on Kafka and Fluss, the first ones stand for all.
NAMES = """
ACTION_STATE_STORE_BACKEND AGENT_RUN_BEGIN_EVENT ActionSpec Agent AgentBuilder
AgentConfigOptions AgentExecutionOptions AgentRunBeginEvent AgentSpec AgentsExecutionEnvironment
AsyncExecutionResult BASE_LOG_DIR BASH_TOOL BaseChatModelConnection BaseChatModelSetup
BaseEmbeddingModelConnection BaseEmbeddingModelSetup BaseLongTermMemory BaseVectorStore
CHAT_ASYNC CONDITION_EVALUATION_FAILURE_STRATEGY ChatMessage ChatRequestEvent ChatResponseEvent
CollectionManageableVectorStore ConditionEvaluationFailureStrategy ConfigOption Configuration
ContextRetrievalRequestEvent ContextRetrievalResponseEvent Counter DescriptorSpec Document
ERROR_HANDLING_STRATEGY EVENT_LISTENERS EVENT_LOGGER_TYPE EVENT_LOG_LEVEL
EVENT_LOG_MAX_ARRAY_ELEMENTS EVENT_LOG_MAX_DEPTH EVENT_LOG_MAX_STRING_LENGTH
EVENT_LOG_TRACE_ENABLED EmbeddingResult EmbeddingTokenUsage EmbeddingValue ErrorHandlingStrategy
Event EventLogLevel EventType ExecutionEntityTypes ExecutionLifecycleEvents
ExecutionProblemCategories ExecutionReporter ExecutionReporters FLUSS_BOOTSTRAP_SERVERS
FlinkVersionManager Function FunctionTool Gauge Histogram InjectedArg InputEvent JOB_IDENTIFIER
JavaChatModelConnection JavaChatModelSetup JavaCollectionManageableVectorStore
JavaEmbeddingModelConnection JavaEmbeddingModelSetup JavaFunction JavaVectorStore
KAFKA_BOOTSTRAP_SERVERS LLMExecutionMetadataKeys LOAD_SKILL_TOOL LONG_TERM_GET LONG_TERM_SEARCH
LONG_TERM_UPDATE Language LocalPrompt LoggerType LongTermGetEvent LongTermMemoryOptions
LongTermSearchEvent LongTermUpdateEvent MAX_RETRIES MEMORY_GENERATE_EVENT MemoryEvent
MemoryEventOptions MemoryObject MemoryRef MemorySet MemorySetItem MemoryType MessageRole Meter
MetricGroup NUM_ASYNC_THREADS OutputEvent OutputSchema PRETTY_PRINT PackageSkillSpec Prompt
PromptMessage PromptSpec PythonFunction RAG_ASYNC RETRY_WAIT_INTERVAL ReActAgent
ReadableConfiguration Resource ResourceContext ResourceDescriptor ResourceName ResourceType
RunnerContext SENSORY_READ SENSORY_WRITE SHORT_TERM_MEMORY_STATE_TTL_MS
SHORT_TERM_MEMORY_STATE_TTL_UPDATE_TYPE SHORT_TERM_MEMORY_STATE_TTL_VISIBILITY SHORT_TERM_READ
SHORT_TERM_WRITE STRUCTURED_OUTPUT SafeFormatter SensoryReadEvent SensoryWriteEvent
SerializableResource ShortTermMemoryTtlUpdate ShortTermMemoryTtlVisibility ShortTermReadEvent
ShortTermWriteEvent SkillSourceSpec Skills SkillsSpec StructuredOutputStrategy TOOL_CALL_ASYNC
Tool ToolExecutionMetadataKeys ToolExecutionMetadataProvider ToolMetadata ToolParameterSource
ToolRequestEvent ToolResponseEvent ToolSpec ToolType VectorStoreQuery VectorStoreQueryMode
VectorStoreQueryResult WritableConfiguration YamlAgentsDocument action action_config
action_metric_group add_action add_resource agent_metric_group apply build_agents
chat_model_connection chat_model_setup config create create_java_tool_schema_str_from_model
create_model_from_java_tool_schema_str create_model_from_schema create_schema_from_function
delete_memory_set durable_execute durable_execute_async embedding_model_connection
embedding_model_setup execute export find_first_system_message flink_version_manager
format_messages format_string from_config from_datastream from_list from_local_dir from_messages
from_package from_sensory_memory from_short_term_memory from_table from_text from_url
get_action_config_value get_config get_execution_environment get_field_names get_fields
get_memory_set get_resource get_resource_class is_exist java_resource load_yaml long_term_memory
mcp_server merge_injected_args new_object normalize_injected_args prompt resolve resolve_clazz
resolve_event_type resolve_function send_event sensory_memory short_term_memory skills
to_datastream to_list to_table tool validate_injected_arg_names validate_memory_value
vector_store with_default_key
"""


@pytest.fixture(scope="module")
def told():
    """The words that the map and the list of what is left out have as code."""
    guide = (DOCS / "from-flink-agents.md").read_text(encoding="utf-8")
    names, _, _ = guide.partition("## What means something else")
    left_out = (DOCS / "non-goals.md").read_text(encoding="utf-8")
    return set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", names + left_out))))


def test_every_name_is_mapped_or_left_out_for_a_reason(told):
    assert set(NAMES.split()) - told == set()


@pytest.mark.parametrize(
    "quickstart",
    ["A workflow", "Several agents", "ReAct", "Skills", "Parallel model calls", "YAML"],
)
def test_every_quickstart_is_ported_and_run(quickstart):
    guide = (DOCS / "from-flink-agents.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", guide, flags=re.MULTILINE)
    [section] = [one for one in sections if one.startswith(quickstart)]

    assert "```console\n$ " in section
