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


def _any(words: str) -> str:
    """A group of alternatives; white space separates them."""
    return f"(?:{'|'.join(words.split())})"


_QUALIFIER = _any(
    "all previous prior above earlier preceding foregoing existing original initial past former system developer your "
    "every other"
)
_BEFORE = _any("previous prior above earlier preceding foregoing your system developer safety security")
_ORDERS = _any("instructions? directives? prompts? guidelines? programming training")
_RULES = _any(
    "rules? polic(?:y|ies) constraints? guardrails? restrictions? guidance orders? commands? context messages?"
)
_AGENTS = _any(
    "agents? assistants? llms? language~models? ai~models? chatbots? bots? copilots? claude chatgpt gemini codex"
)
_AI = _any("ai llm coding autonomous language automated")
_SOME_AGENTS = rf"(?:(?:all|any|every|future|the)~)?(?:{_AI}~)?{_AGENTS}"
_FORCE = _any("always never ignore disregard trust skip bypass override approve do~not~ask execute send delete run")
_DO = _any("please always never do~not ignore run execute use send delete skip approve trust")
_POWER = _any(
    "tools? secrets? credentials? tokens? api~keys? production shell any~commands? approvals? reviews? permissions? "
    "polic(?:y|ies) checks pull~requests? main~branch sandbox restrictions? confirmation anything everything without"
)
_MUCH = _any("full complete unrestricted unlimited root admin(?:istrator)? elevated sudo superuser total every all")
_RIGHTS = _any("access permissions? privileges? rights control authority trust tools? secrets?")
_APPROVAL = _any("approval permission confirmation review authori[sz]ation consent")
_THIS = r"this~" + _any("note record message document text page file memory entry runbook comment instruction section")
_LOOT = _any(
    "secrets? credentials? (?:access|auth|api)~tokens? tokens api~keys? passwords? private~keys? ssh~keys? "
    "env(?:ironment)?~?(?:variables?|vars?) env~files? system~prompts? conversations? chat~history context(?:~window)? "
    "instructions memory"
)
_PLACE = _any(
    r"https?:// [a-z0-9._+-]+@[a-z0-9-]+\. "
    "(?:this|the~following|my|our|an~external|the~attacker's)~"
    "(?:url|address|server|endpoint|webhook|e-?mail|site|host|domain)"
)
_CHAT_TOKEN = _any(
    "im_start im_end im_sep system user assistant developer tool endoftext begin_of_text end_of_text start_header_id "
    "end_header_id eot_id eom_id python_tag channel message endofprompt"
)
_COMMAND = _any(
    "you~(?:are~now|must|will|shall|have~to|may~now) from~now~on ignore disregard forget~(?:all|everything|your) "
    "override new~(?:instructions?|polic(?:y|ies)|orders?) "
    "the~(?:user|owner|operator)~has~(?:approved|authori[sz]ed|granted)"
)
_URL_PARAMETER = r"https?://[^\s\"'<>)\]{}]{3,80}[?&][^\s\"'<>)\]{}=]{1,40}=[{\[<$%]+[ ]?"
_IMAGE = r"!\[[^\]\n]{0,60}\]\("

_OVERRIDE = (
    rf"(?:ignore|disregard|forget|override|bypass|discard|overlook)#~{_QUALIFIER}#~{_ORDERS}",
    rf"(?:ignore|disregard|forget|bypass)#~{_BEFORE}#~{_RULES}",
    rf"(?:do~not|don(?:'|’)?t|no~longer|stop)~(?:follow|following|obey|obeying)#~{_QUALIFIER}#~(?:{_ORDERS}|{_RULES})",
    rf"pay~no~attention~to#~{_QUALIFIER}#~(?:{_ORDERS}|{_RULES})",
    r"forget~(?:everything|all)~(?:you|that~you|above|before|i)~(?:know|were|have|was|told|said|learned)",
    rf"your~new~(?:system~prompt|{_ORDERS}|orders?)~(?:is|are)",
    r"(?:replaces?|supersedes?|overrides?|takes?~precedence~over)~(?:all~)?(?:of~)?your~(?:[a-z]+~)?"
    rf"(?:{_ORDERS}|{_RULES})",
    r"from~now~on,?~you~(?:are|will|must|should|have~to|only|always)",
    r"you~are~(?:now~)?no~longer~(?:bound|restricted|required~to|limited)",
    r"you~are~now~(?:dan|jailbroken|unrestricted|unfiltered|in~(?:developer|god|jailbreak|dan|unrestricted)~mode|"
    r"an?~(?:unrestricted|unfiltered|uncensored|ai~without))",
)
_ROLE = (
    rf"<\|{_CHAT_TOKEN}\|>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>",
    r"(?:^|\n)[\s>#*_\[(-]*(?:system|developer|assistant|tool)(?:~(?:message|prompt|note|override|update|notice))?"
    rf"[\])*_]*[ \t]*:[\s*_\"]*{_COMMAND}",
    rf"<(?:system|developer|system-reminder|system_prompt|system-prompt|system_message)>\s*{_COMMAND}",
    r"(?:-{3,}|={3,}|#{3,}|\*{3,}|\[|<)\s*(?:begin|start|end)~(?:of~)?(?:the~)?(?:new~)?(?:system|developer)~"
    r"(?:prompt|message|instructions?)\s*(?:-{3,}|={3,}|#{3,}|\*{3,}|\]|>)",
    rf"\"role\\?\"\s*:\s*\\?\"(?:system|developer)\\?\"\s*,\s*\\?\"content\\?\"\s*:\s*\\?\"{_COMMAND}",
)
_GRANT = (
    r"you~(?:now~have|hereby~have|are~(?:hereby~)?(?:granted|given)|have~been~(?:granted|given))~"
    rf"{_MUCH}~(?:[a-z]+~){{0,2}}{_RIGHTS}",
    r"you~(?:are|have~been)~(?:hereby~|now~|already~|fully~|explicitly~|pre-?)*"
    r"(?:authori[sz]ed|permitted|allowed|approved|cleared|trusted|granted~permission)~(?:to~[a-z]+|for|with)"
    rf"#~{_POWER}",
    rf"{_THIS}~(?:hereby~|explicitly~|also~)?(?:grants?|authori[sz]es?|entitles?|pre-?approves?|approves?)~"
    rf"(?:you|{_SOME_AGENTS})",
    rf"{_THIS}~(?:hereby~)?(?:allows?|permits?|gives?)~(?:you|{_SOME_AGENTS})~"
    r"(?:to~(?:bypass|skip|ignore|override|merge|deploy|use~(?:all|any|every))|"
    r"full|unrestricted|root|admin|permission|approval|authority)",
    rf"{_APPROVAL}~(?:is|has~been|was)~(?:hereby~|already~|automatically~|pre-?)?(?:granted|given|approved)~"
    rf"(?:in~advance~)?(?:to|for)~(?:you|(?:all|any|every|future)~(?:{_AI}~)?{_AGENTS})",
    r"you~(?:may|can|should|must|are~free~to)~(?:now~)?(?:merge|deploy|push|approve|execute|proceed|act|access|delete)"
    rf"#~without~(?:any~|further~|human~|asking~|for~|waiting~|prior~|user~|additional~|requesting~)*{_APPROVAL}",
    r"(?:treat|consider|regard)~(?:this|the~following)~(?:[a-z]+~)?(?:as~)?"
    r"(?:pre-?approved|approved|authori[sz]ed|an?~approval|a~system~(?:message|prompt|instruction))",
)
_EXFILTRATION = (
    r"(?:send|post|upload|forward|e-?mail|transmit|exfiltrate|leak|publish|copy|paste|deliver|append|attach|dump|export|"
    r"share)#~(?:all|any|every|the~contents?~of|the~(?:full|entire|whole|complete|current)|your|the~user's|everything)"
    rf"#~{_LOOT}#~(?:to|at|into|via)~{_PLACE}",
    r"(?:curl|wget|invoke-webrequest|nc)\b[^\n]{0,80}(?:"
    r"\$\((?:env|printenv|cat[^)\n]{0,40}(?:ssh|\.env|cred|secret|passw|netrc|token))|"
    r"@?[\x7e./a-z0-9_-]{0,24}(?:\.ssh/id_|\.aws/credentials|\.netrc))",
    rf"(?:{_IMAGE}|(?:fetch|load|open|visit|render|request|navigate|ping|call|curl|embed|display|include)~"
    rf"(?:[a-z]+~){{0,3}}){_URL_PARAMETER}(?:system[ _-]?prompt|conversation|chat[ _-]?history|secrets?|credentials?|"
    r"passwords?|env(?:ironment)?[ _-]?(?:vars?|variables?)|memory|private[ _-]?key|api[ _-]?keys|all[ _-][a-z]+)",
    rf"{_IMAGE}{_URL_PARAMETER}(?:data|context|contents?|history|user|output|input|messages?|prompt|token)",
)
_READING = r"(?:reads?|reading|sees?|seeing|process(?:es|ing)?|loads?|loading|encounters?|encountering)~this"
_TARGETING = (
    r"(?:attention|notice|message|reminder|important|memo|hello|hey|dear|note|instructions?)~?(?:to|for)?[:,]?~"
    r"(?:to~|for~)?(?:all~|any~|every~|future~|the~next~|other~|fellow~|you~)*"
    rf"(?:{_AI}~|future~|all~|any~|the~next~){_AGENTS}(?:~(?:who|that)?~?{_READING})?\s*(?:[:,!]|—|–)",
    rf"(?:future|subsequent|the~next|any|all|every|other)~(?:{_AI}~)?{_AGENTS}~(?:that~|who~|which~)?{_READING}#[,:]?~"
    rf"(?:must|shall|should|have~to|needs?~to|are~(?:required|instructed|expected|to)|{_DO})",
    rf"(?:future|subsequent|the~next)~(?:{_AI}~)?{_AGENTS}~"
    rf"(?:must|shall|have~to|are~(?:required|instructed|ordered|obliged)~to|should~{_FORCE})",
    rf"(?:future|all|any)~(?:{_AI}~)?{_AGENTS}\s*[:,]~(?:you~must|don(?:'|’)?t|remember|{_DO})",
    rf"if~you(?:(?:'|’)re|~are)~(?:an?|the)~(?:{_AI}~)*(?:ai|llm|large~language~model|{_AGENTS})"
    r"(?:~(?:model|assistant|agent))?"
    r"(?:~(?:and|who|that|which)?~?(?:reading|processing|seeing|working|summari[sz]ing)~[a-z]+(?:~[a-z]+)?)?"
    rf"\s*(?:[,:]|—|–)~?(?:you~(?:must|should|will)|then|{_DO})",
    rf"(?:when|once|after|if)~(?:you|an?~(?:{_AI}~)?{_AGENTS})~{_READING}#\s*[,:]~(?:you~must|immediately|{_DO})",
    rf"as~an?~(?:ai|llm|large~language~model|language~model)(?:~{_AGENTS})?(?:~reading~this)?,?~"
    r"(?:you~(?:must|should|will|have~to)|your~(?:task|job|goal|new)~(?:is|now))",
)
_FENCE = (
    r"(?:`{3,}|\x7e{3,})\s*memory-[0-9a-f]{4,}",
    r"(?:^|\n)[ \t>*-]*#{1,6}[ \t]*company~brain~memory",
    r"reference~material~only.~it~may~be~outdated~or~wrong",
)

PHRASES: tuple[Phrase, ...] = (
    *(Phrase(Category.OVERRIDE, pattern) for pattern in _OVERRIDE),
    *(Phrase(Category.ROLE, pattern, spoken=False) for pattern in _ROLE),
    *(Phrase(Category.GRANT, pattern) for pattern in _GRANT),
    *(Phrase(Category.EXFILTRATION, pattern) for pattern in _EXFILTRATION),
    *(Phrase(Category.TARGETING, pattern) for pattern in _TARGETING),
    *(Phrase(Category.FENCE, pattern, spoken=False) for pattern in _FENCE),
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
