"""What text that addresses an agent says: the phrase table of the injection scan.

Patterns run on normalised text (lower case, Latin look-alikes) in RE2 syntax. ``~`` stands for what separates words,
``#`` for up to four words in between. The same table, matched over raw bytes without regard to case, is the trigger;
so a pattern must not depend on anything that normalisation produces.
"""

from __future__ import annotations

import enum

import msgspec

SCANNER_VERSION = 1
"""Changes with every change of the table or of how it is applied."""


class Category(enum.StrEnum):
    """Kinds of injection."""

    OVERRIDE = "override-instructions"
    ROLE = "role-impersonation"
    GRANT = "capability-grant"
    EXFILTRATION = "exfiltration"
    TARGETING = "agent-targeting"
    HIDDEN = "hidden-text"
    ENCODED = "encoded-payload"
    FENCE = "fence-escape"


class Verdict(enum.IntEnum):
    """Ordered: the worst of a text is its verdict."""

    CLEAN = 0
    SUSPICIOUS = 1
    BLOCKED = 2

    @property
    def label(self) -> str:
        return self.name.lower()


VERDICTS = {
    Category.OVERRIDE: Verdict.SUSPICIOUS,
    Category.ROLE: Verdict.BLOCKED,
    Category.GRANT: Verdict.BLOCKED,
    Category.EXFILTRATION: Verdict.BLOCKED,
    Category.TARGETING: Verdict.SUSPICIOUS,
    Category.HIDDEN: Verdict.SUSPICIOUS,
    Category.ENCODED: Verdict.BLOCKED,
    Category.FENCE: Verdict.SUSPICIOUS,
}


class Phrase(msgspec.Struct, frozen=True):
    """A pattern of a category. ``spoken``: only counts where it speaks to the reader, not where it is talked about."""

    category: Category
    pattern: str
    spoken: bool = True


_GAP = r"(?:[^A-Za-z0-9.!?;:()|]+)"
_WORDS = rf"(?:{_GAP}[A-Za-z0-9'-]+){{0,4}}"
_SAME_SENTENCE = r"[^.!?;:()|]*"

_QUALIFIER = r"(?:all|previous|prior|above|earlier|preceding|foregoing|existing|original|initial|past|former|system|developer|your|every|other)"
_ORDERS = r"(?:instructions?|directives?|prompts?|guidelines?|programming|training)"
_RULES = (
    r"(?:rules?|polic(?:y|ies)|constraints?|guardrails?|restrictions?|guidance|orders?|commands?|context|messages?)"
)
_BEFORE = r"(?:previous|prior|above|earlier|preceding|foregoing|your|system|developer|safety|security)"
_AGENTS = (
    r"(?:agents?|assistants?|llms?|language~models?|ai~models?|chatbots?|bots?|copilots?|claude|chatgpt|gemini|codex)"
)
_AI = r"(?:ai|llm|coding|autonomous|language|automated)"
_FORCE = r"(?:always|never|ignore|disregard|trust|skip|bypass|override|approve|do~not~ask|execute|send|delete|run)"
_POWER = (
    r"(?:tools?|secrets?|credentials?|tokens?|api~keys?|production|shell|any~commands?|approvals?|reviews?|permissions?|"
    r"polic(?:y|ies)|checks|pull~requests?|main~branch|sandbox|restrictions?|confirmation|anything|everything|without)"
)
_APPROVAL = r"(?:approval|permission|confirmation|review|authori[sz]ation|consent)"
_LOOT = (
    r"(?:secrets?|credentials?|(?:access|auth|api)~tokens?|tokens|api~keys?|passwords?|private~keys?|ssh~keys?|"
    r"env(?:ironment)?~?(?:variables?|vars?)|env~files?|system~prompts?|conversations?|chat~history|context(?:~window)?|"
    r"instructions|memory)"
)
_PLACE = (
    r"(?:https?://|[a-z0-9._+-]+@[a-z0-9-]+\.|(?:this|the~following|my|our|an~external|the~attacker's)~"
    r"(?:url|address|server|endpoint|webhook|e-?mail|site|host|domain))"
)
_TEMPLATE_TOKEN = (
    r"<\|(?:im_start|im_end|im_sep|system|user|assistant|developer|tool|endoftext|begin_of_text|end_of_text|"
    r"start_header_id|end_header_id|eot_id|eom_id|python_tag|channel|message|endofprompt)\|>|\[/?inst\]|<</?sys>>|"
    r"<(?:start|end)_of_turn>"
)
_COMMAND = (
    r"(?:you~(?:are~now|must|will|shall|have~to|may~now)|from~now~on|ignore|disregard|forget~(?:all|everything|your)|"
    r"override|new~(?:instructions?|polic(?:y|ies)|orders?)|the~(?:user|owner|operator)~has~(?:approved|authori[sz]ed|granted))"
)

PHRASES: tuple[Phrase, ...] = (
    *(
        Phrase(Category.OVERRIDE, pattern)
        for pattern in (
            rf"(?:ignore|disregard|forget|override|bypass|discard|overlook)#~{_QUALIFIER}#~{_ORDERS}",
            rf"(?:ignore|disregard|forget|bypass)#~{_BEFORE}#~{_RULES}",
            rf"(?:do~not|don(?:'|’)?t|no~longer|stop)~(?:follow|following|obey|obeying)#~{_QUALIFIER}#~(?:{_ORDERS}|{_RULES})",
            rf"pay~no~attention~to#~{_QUALIFIER}#~(?:{_ORDERS}|{_RULES})",
            r"forget~(?:everything|all)~(?:you|that~you|above|before|i)~(?:know|were|have|was|told|said|learned)",
            rf"your~new~(?:system~prompt|{_ORDERS}|orders?)~(?:is|are)",
            rf"(?:replaces?|supersedes?|overrides?|takes?~precedence~over)~(?:all~)?(?:of~)?your~(?:[a-z]+~)?(?:{_ORDERS}|{_RULES})",
            r"from~now~on,?~you~(?:are|will|must|should|have~to|only|always)",
            r"you~are~(?:now~)?no~longer~(?:bound|restricted|required~to|limited)",
            r"you~are~now~(?:dan|jailbroken|unrestricted|unfiltered|in~(?:developer|god|jailbreak|dan|unrestricted)~mode|an?~(?:unrestricted|unfiltered|uncensored|ai~without))",
        )
    ),
    Phrase(Category.ROLE, _TEMPLATE_TOKEN, spoken=False),
    *(
        Phrase(Category.ROLE, pattern, spoken=False)
        for pattern in (
            rf"(?:^|\n)[\s>#*_\[(-]*(?:system|developer|assistant|tool)(?:~(?:message|prompt|note|override|update|notice))?[\])*_]*[ \t]*:[\s*_\"]*{_COMMAND}",
            rf"<(?:system|developer|system-reminder|system_prompt|system-prompt|system_message)>\s*{_COMMAND}",
            r"(?:-{3,}|={3,}|#{3,}|\*{3,}|\[|<)\s*(?:begin|start|end)~(?:of~)?(?:the~)?(?:new~)?(?:system|developer)~(?:prompt|message|instructions?)\s*(?:-{3,}|={3,}|#{3,}|\*{3,}|\]|>)",
            rf"\"role\\?\"\s*:\s*\\?\"(?:system|developer)\\?\"\s*,\s*\\?\"content\\?\"\s*:\s*\\?\"{_COMMAND}",
        )
    ),
    *(
        Phrase(Category.GRANT, pattern)
        for pattern in (
            r"you~(?:now~have|hereby~have|are~(?:hereby~)?(?:granted|given)|have~been~(?:granted|given))~(?:full|complete|unrestricted|unlimited|root|admin(?:istrator)?|elevated|sudo|superuser|total|every|all)~(?:[a-z]+~){0,2}(?:access|permissions?|privileges?|rights|control|authority|trust|tools?|secrets?)",
            rf"you~(?:are|have~been)~(?:hereby~|now~|already~|fully~|explicitly~|pre-?)*(?:authori[sz]ed|permitted|allowed|approved|cleared|trusted|granted~permission)~(?:to~[a-z]+|for|with)#~{_POWER}",
            rf"this~(?:note|record|message|document|text|page|file|memory|entry|runbook|comment|instruction|section)~(?:hereby~|explicitly~|also~)?(?:grants?|authori[sz]es?|entitles?|pre-?approves?|approves?)~(?:you|(?:all~|any~|every~|future~|the~)?(?:{_AI}~)?{_AGENTS})",
            rf"this~(?:note|record|message|document|memory|entry|runbook)~(?:hereby~)?(?:allows?|permits?|gives?)~(?:you|(?:all~|any~|every~|future~|the~)?(?:{_AI}~)?{_AGENTS})~(?:to~(?:bypass|skip|ignore|override|merge|deploy|use~(?:all|any|every))|full|unrestricted|root|admin|permission|approval|authority)",
            rf"{_APPROVAL}~(?:is|has~been|was)~(?:hereby~|already~|automatically~|pre-?)?(?:granted|given|approved)~(?:in~advance~)?(?:to|for)~(?:you|(?:all|any|every|future)~(?:{_AI}~)?{_AGENTS})",
            rf"you~(?:may|can|should|must|are~free~to)~(?:now~)?(?:merge|deploy|push|approve|execute|proceed|act|access|delete)#~without~(?:any~|further~|human~|asking~|for~|waiting~|prior~|user~|additional~|requesting~)*{_APPROVAL}",
            r"(?:treat|consider|regard)~(?:this|the~following)~(?:[a-z]+~)?(?:as~)?(?:pre-?approved|approved|authori[sz]ed|an?~approval|a~system~(?:message|prompt|instruction))",
        )
    ),
    *(
        Phrase(Category.EXFILTRATION, pattern)
        for pattern in (
            rf"(?:send|post|upload|forward|e-?mail|transmit|exfiltrate|leak|publish|copy|paste|deliver|append|attach|dump|export|share)#~(?:all|any|every|the~contents?~of|the~(?:full|entire|whole|complete|current)|your|the~user's|everything)#~{_LOOT}#~(?:to|at|into|via)~{_PLACE}",
            r"(?:curl|wget|invoke-webrequest|nc)\b[^\n]{0,80}(?:\$\((?:env|printenv|cat[^)\n]{0,40}(?:ssh|\.env|cred|secret|passw|netrc|token))|@?[\x7e./a-z0-9_-]{0,24}(?:\.ssh/id_|\.aws/credentials|\.netrc))",
            r"(?:!\[[^\]\n]{0,60}\]\(|(?:fetch|load|open|visit|render|request|navigate|ping|call|curl|embed|display|include)~(?:[a-z]+~){0,3})https?://[^\s\"'<>)\]{}]{3,80}[?&][^\s\"'<>)\]{}=]{1,40}=[{\[<$%]+[ ]?(?:system[ _-]?prompt|conversation|chat[ _-]?history|secrets?|credentials?|passwords?|env(?:ironment)?[ _-]?(?:vars?|variables?)|memory|private[ _-]?key|api[ _-]?keys|all[ _-][a-z]+)",
            r"!\[[^\]\n]{0,60}\]\(https?://[^\s\"'<>)\]{}]{3,80}[?&][^\s\"'<>)\]{}=]{1,40}=[{\[<$%]+[ ]?(?:data|context|contents?|history|user|output|input|messages?|prompt|token)",
        )
    ),
    *(
        Phrase(Category.TARGETING, pattern)
        for pattern in (
            rf"(?:attention|notice|message|reminder|important|memo|hello|hey|dear|note|instructions?)~?(?:to|for)?[:,]?~(?:to~|for~)?(?:all~|any~|every~|future~|the~next~|other~|fellow~|you~)*(?:{_AI}~|future~|all~|any~|the~next~){_AGENTS}(?:~(?:who|that)?~?(?:read|reads|reading|see|seeing|processing)~this)?\s*(?:[:,!]|—|–)",
            rf"(?:future|subsequent|the~next|any|all|every|other)~(?:{_AI}~)?{_AGENTS}~(?:that~|who~|which~)?(?:reads?|reading|process(?:es|ing)?|sees?|seeing|loads?|loading|encounters?|encountering)~this#[,:]?~(?:must|shall|should|have~to|needs?~to|are~(?:required|instructed|expected|to)|please|always|never|do~not|ignore|run|execute|use|send|delete|skip|approve|trust)",
            rf"(?:future|subsequent|the~next)~(?:{_AI}~)?{_AGENTS}~(?:must|shall|have~to|are~(?:required|instructed|ordered|obliged)~to|should~{_FORCE})",
            rf"(?:future|all|any)~(?:{_AI}~)?{_AGENTS}\s*[:,]~(?:please|you~must|always|never|do~not|don(?:'|’)?t|ignore|run|execute|send|delete|skip|approve|trust|remember)",
            rf"if~you(?:(?:'|’)re|~are)~(?:an?|the)~(?:{_AI}~)*(?:ai|llm|large~language~model|{_AGENTS})(?:~(?:model|assistant|agent))?(?:~(?:and|who|that|which)?~?(?:reading|processing|seeing|working|summari[sz]ing)~[a-z]+(?:~[a-z]+)?)?\s*(?:[,:]|—|–)~?(?:you~(?:must|should|will)|please|always|never|do~not|ignore|run|execute|use|send|delete|skip|approve|then)",
            rf"(?:when|once|after|if)~(?:you|an?~(?:{_AI}~)?{_AGENTS})~(?:reads?|sees?|process(?:es)?|loads?)~this#\s*[,:]~(?:you~must|please|always|immediately|run|execute|send|delete|skip|approve|ignore)",
            rf"as~an?~(?:ai|llm|large~language~model|language~model)(?:~{_AGENTS})?(?:~reading~this)?,?~(?:you~(?:must|should|will|have~to)|your~(?:task|job|goal|new)~(?:is|now))",
        )
    ),
    Phrase(Category.FENCE, r"(?:`{3,}|~{3,})\s*memory-[0-9a-f]{4,}".replace("~", "\\x7e"), spoken=False),
    Phrase(Category.FENCE, r"(?:^|\n)[ \t>*-]*#{1,6}[ \t]*company~brain~memory", spoken=False),
    Phrase(Category.FENCE, r"reference~material~only.~it~may~be~outdated~or~wrong", spoken=False),
)


def expand(pattern: str, *, loose: bool = False) -> str:
    """The pattern in plain RE2 syntax, with ``~`` and a bare ``#`` spelled out.

    A ``loose`` one takes any words of the sentence for a ``#``: counting words is what makes an automaton large.
    """
    words = _SAME_SENTENCE if loose else _WORDS
    spelled = []
    for at, char in enumerate(pattern):
        if char == "~":
            spelled.append(_GAP)
        elif char == "#" and not _is_literal_hash(pattern, at):
            spelled.append(words)
        else:
            spelled.append(char)
    return "".join(spelled)


def _is_literal_hash(pattern: str, at: int) -> bool:
    """A ``#`` of a class or with a count is the character itself."""
    return pattern[at + 1 : at + 2] == "{" or pattern.rfind("[", 0, at) > pattern.rfind("]", 0, at)
