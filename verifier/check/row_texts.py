"""Owns what a row says when it passes, and the words for rows and results (docs/spec/verification.md §6).

In English and in Chinese. No sentence says more than the evidence supports. Proved by
tests/unit/check/test_texts.py, which reads the words in the specification.
"""

from collections.abc import Iterable, Mapping

from verifier.check.blocks import Said, SourceKind
from verifier.check.rows import Row

# What a row says when it passes. Finality, completeness, order, history and timestamp have words of their own
# below.
PASS: Mapping[Row, tuple[str, str]] = {
    Row.CONTAINER: (
        "the package is in its one form; no file is missing, added or changed since it was packed",
        "证据包符合规定形式；打包后无文件缺失、增加或改动",
    ),
    Row.INTEGRITY: (
        "every record, field and attachment shown is the one that the log commits to",
        "所示每条记录、字段和附件均与日志所承诺的一致",
    ),
    Row.INCLUSION: (
        "the log holds what is shown, in batches that its checkpoints cover",
        "所示内容均在日志中，且为其检查点所涵盖",
    ),
    Row.ANCHOR: (
        "the contract's state in the as-of block holds these anchors with these times",
        "截止区块中的合约状态载有这些锚定及其时间",
    ),
    Row.TIME: (
        "each shown batch was sealed after a block that your sources confirm and before its anchor; "
        "this dates the sealing, not the event",
        "所示每一批次均在您的来源所确认的区块之后、其锚定之前封存；此为封存时间，而非事件时间",
    ),
    Row.CHECKPOINT: (
        "every checkpoint is signed by a key that your policy pins or that such a key handed over to",
        "每个检查点均由您策略所列的密钥、或其交接所指的密钥签署",
    ),
    Row.RECEIPTS: (
        "{receipts} receipts that you gave agree with the package",
        "您提供的 {receipts} 份回执与证据包一致",
    ),
    Row.WITHHELD: (
        "all that is not shown is listed: {fields} fields withheld, {erased} records erased",
        "未示内容均已列明：{fields} 个字段未披露，{erased} 条记录已删除",
    ),
}

FINALITY = (
    "the as-of block has the hash that {who}",
    "截止区块的哈希与{who}的一致",
)
# By kind of source.
WHO: Mapping[SourceKind, tuple[str, str]] = {
    SourceKind.OWN: ("you supplied", "您提供"),
    SourceKind.LIST: ("{names} gives", "{names} 所列"),
    SourceKind.ENDPOINT: ("{names} gave when asked", "{names} 应询所答"),
}

ABSENT_INCLUSION = (
    "the log's map answers for this number in the as-of batch",
    "日志映射在截止批次中对该编号作出了答复",
)

# What `verifier receipt` says of a promise that was kept.
RECEIPT_KEPT = (
    "the record is shown under an anchor of {time}, by the deadline",
    "该记录由 {time} 的锚定所包含，未逾期限",
)

# verification.md §6, to the letter.
TIMESTAMP = (
    "every shown checkpoint bears a token of an authority that your policy pins ({names}), of a time "
    "at most {gap} away from its anchor; without a further renewal the certificates under these tokens "
    "last until {until}.",
    "所示每一检查点均附有您策略所列时间戳机构（{names}）的令牌，所载时间与其锚定相差至多 {gap}；"
    "若不再续签，这些令牌所依的证书至 {until} 到期。",
)
COMPLETE = (
    "all {n} records anchored by block {block} ({time}) for number {number} in log {log}; "
    "records received in the preceding {hours} hours may be pending; "
    "{withheld} withheld, {erased} erased. A second number is not excluded.",
    "日志 {log} 中编号 {number} 截至区块 {block}（{time}）已锚定的全部 {n} 条记录；"
    "此前 {hours} 小时内收到的记录可能尚待锚定；"
    "{withheld} 条未完全披露，{erased} 条已删除。不排除存在另一编号。",
)
ABSENT = (
    "nothing under number {number} in log {log} as of block {block} ({time}); "
    "records received in the preceding {hours} hours may be pending. "
    "A second number is not excluded.",
    "截至区块 {block}（{time}），日志 {log} 中编号 {number} 下无任何记录；"
    "此前 {hours} 小时内收到的记录可能尚待锚定。不排除存在另一编号。",
)
ORDER = (
    "positions have not changed since each anchor; "
    "within a batch, order is as stated by the service; "
    "{earlier} records have an earlier occurred_at than one before them; "
    "longest delay from event to record {delay}.",
    "自各次锚定以来位置未变；同一批次内的顺序由服务方陈述；"
    "{earlier} 条记录的 occurred_at 早于其前的记录；事件至记录的最长间隔为 {delay}。",
)
# Said after ORDER: what its two counts could not take in.
ORDER_UNKNOWN = (
    " occurred_at: {undisclosed} undisclosed, {null} null, {without} without, "
    "{unreadable} not readable.",
    " occurred_at：{undisclosed} 条未披露，{null} 条为空，{without} 条未载，{unreadable} 条无法读取。",
)
SOURCES = (
    "{n} records have their numbers in the logs of their sources, as of the same batch. Sources: {sources}; "
    "numbers missing, as their last closings list them: {missing}; numbers set aside for rows of accounts "
    "without a matter: {aside}; records that came after a closing that missed them: {late}; records that "
    "name no source: {without}. A record that got no number leaves no gap; earlier removal is not excluded.",
    "{n} 条记录的编号载于 {sources} 个来源系统截至同一批次的日志；据其最后一次日结存，缺 {missing} 个编号，"
    "另有 {aside} 个编号属于账户尚无事项而搁置的行；"
    "{late} 条记录晚于已载明其缺失的日结存；{without} 条记录未载明来源系统。未获编号的记录不留空缺；"
    "不排除更早的移除。",
)
EVENTS = (
    "{n} contract events stand in blocks that your sources confirm, as their records say, on {chains}; "
    "the emitter's code is shown for {code} of them. What they mean is the service's reading.",
    "{n} 个合约事件载于您的来源所确认的区块中，与其记录一致，所在链：{chains}；其中 {code} 个示明了合约代码。"
    "事件含义为服务方之解读。",
)
# By kind of package.
HISTORY: Mapping[str, tuple[str, str]] = {
    "complete": (
        "at block {block} the register held exactly these {n}; earlier removal is not excluded.",
        "在区块 {block}，登记内容恰为这 {n} 条；不排除更早的移除。",
    ),
    "extract": (
        "at block {block} the register held {n} records, these among them; "
        "earlier removal is not excluded.",
        "在区块 {block}，登记共 {n} 条，所示记录在其中；不排除更早的移除。",
    ),
    "absent": (
        "at block {block} the register held none; earlier removal is not excluded.",
        "在区块 {block}，登记中没有记录；不排除更早的移除。",
    ),
}
FULL_HISTORY: Mapping[str, tuple[str, str]] = {
    "complete": (
        "in every batch from 0 to {batch} the register held a prefix of these {n}: since the first "
        "batch none was removed, replaced or moved.",
        "自第 0 批至第 {batch} 批，每一批中的登记均为这 {n} 条的前段：自首批起无一被移除、替换或移位。",
    ),
    "extract": (
        "in every batch from 0 to {batch} the register held a prefix of the {n}, these among them: "
        "since the first batch none was removed, replaced or moved.",
        "自第 0 批至第 {batch} 批，每一批中的登记均为全部 {n} 条的前段，所示记录在其中："
        "自首批起无一被移除、替换或移位。",
    ),
    "absent": (
        "in no batch from 0 to {batch} did the register hold anything under this number.",
        "自第 0 批至第 {batch} 批，登记中均无此编号下的任何内容。",
    ),
}

RESULT_ZH: Mapping[str, str] = {
    "PASS": "通过",
    "FAIL": "不通过",
    "NOT CHECKED": "未检查",
    "NOT APPLICABLE": "不适用",
}
VERDICT_ZH: Mapping[str, str] = {
    "VALID": "有效",
    "INVALID": "无效",
    "INDETERMINATE": "无法确定",
    "ERROR": "错误",
}
ROW_ZH: Mapping[Row, str] = {
    Row.CONTAINER: "证据包",
    Row.INTEGRITY: "记录完好",
    Row.INCLUSION: "收录",
    Row.ORDER: "顺序",
    Row.COMPLETENESS: "完整",
    Row.HISTORY: "历史",
    Row.ANCHOR: "锚定",
    Row.FINALITY: "区块确认",
    Row.TIME: "时间",
    Row.TIMESTAMP: "时间戳",
    Row.CHECKPOINT: "检查点",
    Row.SIGNATURES: "签署",
    Row.EVENTS: "合约事件",
    Row.RECEIPTS: "回执",
    Row.WITHHELD: "未披露",
    Row.SOURCES: "来源系统",
}


def given_by(said: Iterable[Said]) -> tuple[str, str]:
    """What finality says when it passes, by those who gave the as-of block's hash."""
    names: dict[SourceKind, list[str]] = {}
    for one in said:
        # Whom the policy does not name is listed beside the blocks, and nothing rests on him.
        if one.level or one.operator is not None:
            names.setdefault(one.kind, []).append(one.who)
    who = [filled(WHO[kind], names=" and ".join(of_kind)) for kind, of_kind in names.items()]
    en, zh = FINALITY
    return (
        en.format(who=", and that ".join(one for one, _ in who)),
        zh.format(who="、".join(one for _, one in who)),
    )


def filled(words: tuple[str, str], **values: object) -> tuple[str, str]:
    """Both languages with their places filled."""
    en, zh = words
    return en.format(**values), zh.format(**values)
