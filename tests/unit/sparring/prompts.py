"""Judging prompts in several wordings; only the markers are the arena's."""

FENCE = "00112233445566aa"
NONCE = "ffeeddccbbaa9988"


def judging_prompt(
    first: str,
    second: str,
    *,
    question: str = "What is 2 squared?",
    fence: str = FENCE,
    nonce: str = NONCE,
    wording: str = "Judge which answer is better.",
) -> str:
    return f"""{wording} Blocks carry the code {fence}.

[QUESTION {fence}]
{question}
[END QUESTION {fence}]
[ANSWER 1 {fence}]
{first}
[END ANSWER 1 {fence}]
[ANSWER 2 {fence}]
{second}
[END ANSWER 2 {fence}]

End with one of these lines:
VERDICT {nonce}: 1
VERDICT {nonce}: 2
VERDICT {nonce}: TIE
"""
