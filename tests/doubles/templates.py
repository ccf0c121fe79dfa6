"""Chat templates in the shapes of well-known models', reduced to what they refuse, leave out or expect."""

REFUSES_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] | trim }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""Gemma."""
ALTERNATES = (
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}<|assistant|>"
)
"""Mistral's first."""
PARTS = (
    "{% for m in messages %}<|{{ m['role'] }}|>{% for part in m['content'] %}{% if part['type'] == 'text' %}"
    "{{ part['text'] | trim }}{% endif %}{% endfor %}<|end|>{% endfor %}<|assistant|>"
)
"""SmolVLM's, Idefics'."""
TEXT_OR_PARTS = (
    "{% for m in messages %}<|{{ m['role'] }}|>{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for part in m['content'] %}{{ part['text'] }}{% endfor %}{% endif %}<|end|>{% endfor %}<|assistant|>"
)
"""Llama 4."""
PARTS_OF_USERS = (
    "{% for m in messages %}<|{{ m['role'] }}|>{% if m['role'] == 'user' %}{{ m['content'][0]['text'] }}"
    "{% else %}{{ m['content'] + '' }}{% endif %}<|end|>{% endfor %}<|assistant|>"
)
"""Text for some roles, parts for others; a list where text is expected is an error of Python's."""
WITHOUT_SYSTEM = (
    "{% for m in messages if m.role != 'system' %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}<|assistant|>"
)
"""Models that were trained without a system's turn."""
THINKS = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}"
    "<|assistant|>{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)
"""Qwen3."""
BEGINS_THOUGHTS = (
    "{% for m in messages %}<|{{ m.role }}|>{% if m.role == 'assistant' and '</think>' in m.content %}"
    "{{ m.content.split('</think>')[-1] }}{% else %}{{ m.content }}{% endif %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}"
)
"""DeepSeek-R1: the model's turn begins inside of its thoughts."""
REFUSES_SYSTEM_AND_THINKS = REFUSES_SYSTEM.replace(
    "<|assistant|>{% endif %}",
    "<|assistant|>{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}",
)
LOSES_USER = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['text'] }}<|end|>{% endfor %}<|assistant|>"
"""A key that messages do not have."""
LOSES_EARLIER_ANSWERS = (
    "{% for m in messages %}{% if m['role'] != 'assistant' %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endif %}"
    "{% endfor %}<|assistant|>"
)
