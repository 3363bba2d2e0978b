"""Owns the sentence of every code, in English and in Chinese (docs/spec/verification.md §6).

A code's sentence says what is the case; what in particular follows it after a colon. No sentence
says more than the evidence supports. Proved by tests/unit/check/test_texts.py, which reads the
codes in the specification; what a row says when it passes is in `row_texts`.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Text(NamedTuple):
    """One sentence in both languages, and what a person can do about it."""

    en: str
    zh: str
    do_en: str
    do_zh: str


_ASK_SENDER = "Ask the sender for another copy or a new export; keep this one as it is."
_ASK_SENDER_ZH = "请向提交方索取另一份副本或重新导出；现有文件请原样保留。"
_CHANGED = "Someone changed the package or made it wrongly. " + _ASK_SENDER
_CHANGED_ZH = "证据包被改动或制作有误。" + _ASK_SENDER_ZH
_CHAIN_PROOF = (
    "The chain proof does not hold. Nothing in the package is dated by it. " + _ASK_SENDER
)
_CHAIN_PROOF_ZH = "链上证明不成立，包内任何内容都不能据此确定时间。" + _ASK_SENDER_ZH
_LOG_LIES = (
    "Keep the package. Where nothing else fails, and block and keys are confirmed, it is evidence against "
    "the log; else its maker may have invented this."
)
_LOG_LIES_ZH = (
    "请保留此证据包。若别无不通过之处，且区块与密钥均已确认，则它是针对该日志的证据；"
    "否则可能系证据包制作者所捏造。"
)
_YOUR_POLICY = "Correct your policy file, then run again. The package was not judged."
_YOUR_POLICY_ZH = "请更正您的策略文件后重新运行。证据包尚未被评判。"
_YOUR_INPUTS = "Correct your inputs file, then run again. The package was not judged."
_YOUR_INPUTS_ZH = "请更正您的输入文件后重新运行。证据包尚未被评判。"
_ABOUT_POLICY = "Decide whether you trust this; if you do, your policy has to say so."
_ABOUT_POLICY_ZH = "请自行判断是否信任；若信任，须在您的策略中写明。"
_NOTHING_TO_DO = "Nothing to do."
_NOTHING_TO_DO_ZH = "无需处理。"


def _changed(en: str, zh: str) -> Text:
    return Text(en, zh, _CHANGED, _CHANGED_ZH)


def _chain_proof(en: str, zh: str) -> Text:
    return Text(en, zh, _CHAIN_PROOF, _CHAIN_PROOF_ZH)


def _log_lies(en: str, zh: str) -> Text:
    return Text(en, zh, _LOG_LIES, _LOG_LIES_ZH)


def _policy(en: str, zh: str) -> Text:
    return Text(en, zh, _YOUR_POLICY, _YOUR_POLICY_ZH)


def _inputs(en: str, zh: str) -> Text:
    return Text(en, zh, _YOUR_INPUTS, _YOUR_INPUTS_ZH)


def _trust(en: str, zh: str) -> Text:
    return Text(en, zh, _ABOUT_POLICY, _ABOUT_POLICY_ZH)


def _none(en: str, zh: str) -> Text:
    return Text(en, zh, _NOTHING_TO_DO, _NOTHING_TO_DO_ZH)


TEXTS: Mapping[str, Text] = {
    # Verdict ERROR: nothing is said about the evidence.
    "POLICY_UNREADABLE": _policy("the policy file can't be read", "无法读取策略文件"),
    "POLICY_SIZE": _policy("the policy file is too large", "策略文件过大"),
    "POLICY_SYNTAX": _policy("the policy file is not TOML", "策略文件不是有效的 TOML"),
    "POLICY_MEMBER_MISSING": _policy("the policy lacks a member", "策略缺少必要项"),
    "POLICY_MEMBER_UNKNOWN": _policy("the policy has an unknown member", "策略含有未知项"),
    "POLICY_TYPE": _policy("a member of the policy has another type", "策略中某项的类型不符"),
    "POLICY_VALUE": _policy(
        "a member of the policy has no possible value", "策略中某项的值不被允许"
    ),
    "POLICY_KEY": _policy("a key in the policy is not usable", "策略中的公钥不可用"),
    "POLICY_TWICE": _policy("the policy says something twice", "策略中有重复内容"),
    "POLICY_CHAIN": _policy(
        "the policy pins a log on a chain it does not list", "策略所列日志的链未在策略中列出"
    ),
    "POLICY_QUORUM": _policy(
        "the policy's endpoints can't make the quorum that it asks for",
        "策略所列的节点无法达到其要求的法定数目",
    ),
    "RPC_NO_ENDPOINT": Text(
        "there is nobody to ask",
        "没有可供查询的节点",
        "List [[endpoint]] tables in your policy, or name a node with --rpc URL.",
        "请在策略中列出 [[endpoint]]，或以 --rpc URL 指定节点。",
    ),
    "POLICY_KIND": _policy(
        "the policy has no list of required rows for this kind of package",
        "策略未规定此类证据包须通过的项目",
    ),
    "INPUTS_UNREADABLE": _inputs("the inputs file can't be read", "无法读取输入文件"),
    "INPUTS_SIZE": _inputs("the inputs file is too large", "输入文件过大"),
    "INPUTS_SYNTAX": _inputs("the inputs file is not TOML", "输入文件不是有效的 TOML"),
    "INPUTS_MEMBER_MISSING": _inputs("the inputs lack a member", "输入缺少必要项"),
    "INPUTS_MEMBER_UNKNOWN": _inputs("the inputs have an unknown member", "输入含有未知项"),
    "INPUTS_TYPE": _inputs("a member of the inputs has another type", "输入中某项的类型不符"),
    "INPUTS_VALUE": _inputs(
        "a member of the inputs has no possible value", "输入中某项的值不被允许"
    ),
    "INPUTS_MATTER": _inputs("the matter number in the inputs is mistyped", "输入中的事项编号有误"),
    "INPUTS_SOURCE": _inputs(
        "a source's number in the inputs is mistyped or stands twice",
        "输入中的来源系统编号有误或重复",
    ),
    "INPUTS_BLOCK_CONFLICT": _inputs(
        "the inputs give one block two different hashes", "输入对同一区块给出了两个不同的哈希"
    ),
    "INPUTS_BLOCKS_UNREADABLE": _inputs(
        "a file of block hashes can't be read", "无法读取某个区块哈希文件"
    ),
    "INPUTS_BLOCKS_SIZE": _inputs("a file of block hashes is too large", "某个区块哈希文件过大"),
    "INPUTS_BLOCKS_FORM": _inputs(
        "a file of block hashes has none of the known forms",
        "某个区块哈希文件不符合任何已知格式",
    ),
    "INPUTS_RECEIPT_UNREADABLE": _inputs("a receipt can't be read", "无法读取某份回执"),
    "INPUTS_RECEIPT_SIZE": _inputs("a receipt is too large", "某份回执过大"),
    "INPUTS_CHECKPOINT_UNREADABLE": _inputs("a checkpoint can't be read", "无法读取某个检查点"),
    "INPUTS_CHECKPOINT_SIZE": _inputs("a checkpoint is too large", "某个检查点过大"),
    "PACKAGE_UNREADABLE": Text(
        "the package can't be opened or read",
        "无法打开或读取证据包",
        "Check path and permissions, then run again. The package was not judged.",
        "请检查路径和权限后重新运行。证据包尚未被评判。",
    ),
    "EVM_UNREADABLE": Text(
        "the chain proof's file can't be read",
        "无法读取链上证明文件",
        "Check path and permissions, then run again. Nothing was judged.",
        "请检查路径和权限后重新运行。尚未作出评判。",
    ),
    "EVM_SIZE": Text(
        "the chain proof's file is too large",
        "链上证明文件过大",
        "A chain proof has at most 16 MiB. Nothing was judged.",
        "链上证明最大为 16 MiB。尚未作出评判。",
    ),
    "PUBLIC_UNREADABLE": Text(
        "the folder holds no public material that could be replayed",
        "文件夹中没有可供重放的公开材料",
        "Name the folder that the service publishes, with log.json and batches. Nothing was judged.",
        "请指定服务方公布的文件夹，其中应有 log.json 和 batches。尚未作出评判。",
    ),
    "FORK_UNREADABLE": Text(
        "the fork proof's file can't be read",
        "无法读取分叉证明文件",
        "Check path and permissions, then run again. Nothing was judged.",
        "请检查路径和权限后重新运行。尚未作出评判。",
    ),
    "FORK_SIZE": Text(
        "the fork proof's file is too large",
        "分叉证明文件过大",
        "A fork proof has at most 16 MiB. Nothing was judged.",
        "分叉证明最大为 16 MiB。尚未作出评判。",
    ),
    "FORK_FILE": Text(
        "the fork proof can't be written",
        "无法写入分叉证明",
        "Name a file that does not exist yet, in a folder that you may write to.",
        "请指定一个尚不存在的文件，且所在文件夹可写。",
    ),
    "LOGS_DIFFER": Text(
        "the packages are of two logs, which can't contradict each other",
        "两个证据包属于不同的日志，无从相互矛盾",
        "Compare packages of one log. Nothing was judged.",
        "请比对同一日志的证据包。尚未作出评判。",
    ),
    "INTERNAL": Text(
        "the verifier met a condition that it does not know; this is no verdict",
        "验证程序遇到未知情况；这不是结论",
        "Report it with the package's digest and the verifier's version. The package was not judged.",
        "请连同证据包的摘要和验证程序版本一并报告。证据包尚未被评判。",
    ),
    # 2: container
    "ZIP_FORM": _changed("the package is not in its one byte form", "证据包不是唯一规定的字节形式"),
    "NAME_FORBIDDEN": _changed("a path in the package is not allowed", "证据包中有不被允许的路径"),
    "BAG_DECLARATION": _changed("bagit.txt is not the one declaration", "bagit.txt 与规定内容不符"),
    "MANIFEST_DIFFERS": _changed("a manifest does not list these files", "清单与文件不符"),
    "STATEMENT_FORM": _changed("the exporter's statement can't be read", "导出方声明无法读取"),
    "FILE_MISSING": _changed("a file is missing", "缺少文件"),
    "FILE_UNKNOWN": _changed(
        "a file or folder has no place in the package", "有不属于证据包的文件或文件夹"
    ),
    "STATEMENT_DIFFERS": _changed(
        "the exporter's statement says other than the evidence", "导出方声明与证据不一致"
    ),
    "README_DIFFERS": _changed(
        "the README says other than the statement", "README 与导出方声明不一致"
    ),
    "SM3_DIFFERS": _changed("an SM3 digest is not that of its file", "SM3 摘要与文件不符"),
    # 3: integrity
    "LEAF_FORM": _changed("a record can't be read", "有记录无法读取"),
    "LEAF_MISPLACED": _changed(
        "a record stands at another position or belongs to another matter",
        "有记录的位置不符或属于另一事项",
    ),
    "CLAIM_UNKNOWN": _changed(
        "a record has a kind or field that is not registered", "有记录含未登记的类型或字段"
    ),
    "CLAIM_DIGEST_TWICE": _changed(
        "two fields of a record have one digest", "一条记录中有两个字段摘要相同"
    ),
    "DISCLOSURE_FORM": _changed("a disclosed field can't be read", "有披露的字段无法读取"),
    "DISCLOSURE_MISMATCH": _changed(
        "a disclosed field is not the one that the record commits to",
        "披露的字段与记录所承诺的不符",
    ),
    "SALT_REUSED": _changed(
        "two disclosed fields share their salt", "两个披露字段使用了相同的盐值"
    ),
    "ATTACHMENT_MISMATCH": _changed(
        "an attachment is not the file that its record commits to",
        "附件不是记录所承诺的文件",
    ),
    # 4: anchor
    "EVM_FORM": _chain_proof("the chain proof can't be read", "链上证明无法读取"),
    "LOG_NOT_PINNED": _trust("your policy does not pin this log", "您的策略未列出此日志"),
    "PIN_NOT_IN_FORCE": _trust(
        "an anchor or a receipt lies outside the time for which your policy pins this log",
        "有锚定或回执不在您的策略信任该日志的期间内",
    ),
    "HASH_RULE_UNKNOWN": _trust(
        "this verifier does not know the chain's hash rule", "验证程序不支持该链的哈希规则"
    ),
    "HEADER_FORM": _chain_proof("the as-of block header can't be read", "截止区块头无法读取"),
    "ACCOUNT_PROOF": _chain_proof(
        "the contract's account is not proved in the as-of block", "合约账户在截止区块中未获证明"
    ),
    "CODE_HASH": _chain_proof(
        "the account holds other code than the anchoring contract", "该账户的代码不是锚定合约"
    ),
    "SLOT_PROOF": _chain_proof(
        "the log's head is not proved in the contract's storage", "日志头在合约存储中未获证明"
    ),
    "FOLD_MISMATCH": _chain_proof(
        "the anchors shown do not lead to what the contract holds", "所列锚定与合约中的值不符"
    ),
    "CHECKPOINT_NOT_ANCHORED": _chain_proof("a checkpoint was never anchored", "有检查点从未锚定"),
    "LINK_UNUSED": _chain_proof(
        "the chain of anchors begins earlier than anything that is shown",
        "锚定链的起点早于所示的任何内容",
    ),
    "LEG_INVALID": _chain_proof(
        "a transaction or receipt on the chain does not show its anchor",
        "链上交易或交易收据不能证明其锚定",
    ),
    "LEG_MISSING": _chain_proof(
        "the first or the last anchor comes without its transaction",
        "首个或末个锚定未附其交易",
    ),
    "TIME_BACKWARDS": _chain_proof("the times of the anchors run backwards", "锚定时间倒退"),
    # 5: checkpoint
    "CHECKPOINT_FORM": _changed("a checkpoint can't be read", "有检查点无法读取"),
    "CHECKPOINT_ORIGIN": _changed("a checkpoint is of another log", "有检查点属于另一日志"),
    "KEY_SET_FORM": _changed(
        "a key set can't be read or is not the one that a batch header names",
        "某个密钥集无法读取，或不是批次头所指的密钥集",
    ),
    "KEY_SET_MISSING": _changed(
        "a key set that a batch header names is missing", "缺少批次头所指的密钥集"
    ),
    "HANDOVER_INVALID": _log_lies(
        "a hand-over of keys does not hold: it is not in the log, not signed by every key in force, "
        "or does not follow the one before",
        "密钥交接不成立：不在日志中、未经全部生效密钥签署，或与前一次交接不相衔接",
    ),
    "CHECKPOINT_SIGNATURE": _changed("a checkpoint's signature is not good", "检查点签名无效"),
    "CHECKPOINT_KEY_NOT_PINNED": _trust(
        "no key that your policy pins, or that its keys handed over to, has signed a checkpoint",
        "签署检查点的密钥既非您策略所列，也非其交接所指",
    ),
    "KEY_NOT_IN_FORCE": _log_lies(
        "the key that signed was not in force for its batch", "签名密钥对该批次未生效"
    ),
    "KEY_TYPE_UNKNOWN": _trust(
        "a key in force is of a type that this verifier does not know",
        "有生效密钥的类型不被本验证程序支持",
    ),
    "CHECKPOINT_SIGNATURE_MISSING": _log_lies(
        "a key in force has not signed the checkpoint", "有生效密钥未签署检查点"
    ),
    "OTHER_CHECKPOINT_FORM": Text(
        "a checkpoint that you got from others is none of this log",
        "您从他人处得到的某个检查点不属于本日志",
        "Use the checkpoint's file as it was published, or take it out of your inputs.",
        "请使用公布的检查点原文件，或将其从输入中移除。",
    ),
    "OTHER_CHECKPOINT_NOT_SIGNED": Text(
        "a checkpoint that you got from others has no good signature of a trusted key, "
        "so it shows nothing",
        "您从他人处得到的某个检查点没有受信任密钥的有效签名，不能证明任何事项",
        "Ask whom you got it from for the signed original, or take it out of your inputs.",
        "请向提供者索取签名原件，或将其从输入中移除。",
    ),
    # 6: inclusion
    "HEADER_MISPLACED": _changed(
        "a batch header can't be read or is of another batch or log",
        "批次头无法读取，或属于另一批次或日志",
    ),
    "LOG_ENDED_BEFORE": _log_lies(
        "the log went on after a batch that ends it in favour of another log",
        "日志在其宣告由另一日志接续的末批次之后仍有后续批次",
    ),
    "BATCH_NOT_INCLUDED": _changed("a batch is not in the log", "有批次不在日志中"),
    "MAP_PROOF": _changed("the matter is not proved in a batch", "该事项在批次中未获证明"),
    "HEAD_FORM": _changed(
        "a batch does not show this matter's records", "有批次未示明本事项的记录"
    ),
    "RECORD_NOT_INCLUDED": _changed(
        "the records are not those that the log holds", "记录与日志所载不符"
    ),
    # 7: history
    "LOG_FORKED": _log_lies("two histories of the log are shown", "出现了该日志的两种历史"),
    "HISTORY_HEADERS": _changed(
        "the headers of the full history are not those of the log's batches, from the first on",
        "完整历史中的批次头并非日志自首批起的全部批次头",
    ),
    "KEYS_NOT_COMMITTED": _log_lies(
        "a batch has other keys than its predecessor has or names as the next",
        "有批次所用密钥既非前一批次所用，亦非其所预告",
    ),
    "HISTORY_MAP": _changed(
        "the full history does not prove what the log held of this matter in every batch",
        "完整历史未能证明日志在每一批次中所载的本事项内容",
    ),
    "HISTORY_SHOWN_ONLY": Text(
        "the package shows the states of some batches, your policy asks for those of all",
        "证据包仅示部分批次的状态，而您的策略要求全部批次",
        "Ask for an export with the full history, or set history to shown if the shown states "
        "suffice for you.",
        "请索取含完整历史的导出；若所示状态已足够，请在策略中将 history 设为 shown。",
    ),
    "FULL_HISTORY": _none(
        "the states of all batches follow from each other, from the first batch on",
        "自首批起，各批次的状态均前后相承",
    ),
    "SHOWN_HEADS_ONLY": _none(
        "the states shown follow from each other; earlier removal is not excluded",
        "所示各状态前后相承；不排除更早的移除",
    ),
    # 8: completeness
    "MATTER_NOT_CONFIRMED": Text(
        "you did not say which matter number you ask for",
        "您未说明所查询的事项编号",
        "Put the number from the contract or the first notice into your inputs file as matter.",
        "请将合同或首次通知中的编号写入输入文件的 matter 项。",
    ),
    "MATTER_DIFFERS": Text(
        "the package answers for another matter number",
        "证据包针对的是另一事项编号",
        "Ask the sender for a package of the number that you ask for.",
        "请向提交方索取您所查询编号的证据包。",
    ),
    "MATTER_OF_OTHER_LOG": Text(
        "the matter number belongs to another log",
        "该事项编号属于另一日志",
        "Ask for a package from the log that the number names.",
        "请索取该编号所属日志的证据包。",
    ),
    "ASOF_HEADER_OLD": _changed(
        "the newest batch that the chain shows is not the one in the package",
        "证据包所示并非链上最新的批次",
    ),
    "RECORDS_MISSING": Text(
        "records of this matter are missing, or there are too many",
        "本事项的记录有缺失或多余",
        "Ask the sender for all records; an extract says openly that it is one.",
        "请向提交方索取全部记录；摘录应明示其为摘录。",
    ),
    "MATTER_PRESENT": _changed(
        "the package says that the matter has no records, and it has",
        "证据包称该事项无记录，而实际上有",
    ),
    "ASOF_NOT_ASKED": Text(
        "you did not say how recent the answer must be",
        "您未说明答复须截至何时之后",
        "Put a date into your inputs file as earliest_as_of.",
        "请在输入文件的 earliest_as_of 项写明日期。",
    ),
    "ASOF_TOO_OLD": Text(
        "the package is older than you asked for",
        "证据包早于您要求的日期",
        "Ask the sender for a newer export.",
        "请向提交方索取更新的导出。",
    ),
    "LOG_SILENT": Text(
        "the log was silent before the as-of block for longer than your policy allows",
        "截止区块之前日志静默时间超过您的策略所限",
        "Ask the sender for an export after the log's next anchor.",
        "请在日志下次锚定后向提交方索取导出。",
    ),
    "LOG_RETIRED": Text(
        "the log has retired; only its successor can show that this is all",
        "该日志已停用；仅其后继日志能证明记录完整",
        "Ask for a package from the successor as well.",
        "请同时索取后继日志的证据包。",
    ),
    "LOG_COMPROMISED": _trust(
        "there are anchors after the last one that your policy trusts",
        "在您的策略所信任的最后一次锚定之后仍有锚定",
    ),
    # 9 and 10: blocks
    "LEVEL_0": Text(
        "no source of yours confirms the as-of block; compare its hash",
        "截止区块尚未由您自己的来源确认；请核对其哈希",
        "Look the block up at a source that you trust and put its hash into your inputs file.",
        "请在您信任的来源查询该区块，并将其哈希写入输入文件。",
    ),
    "BLOCK_HASH_DIFFERENT": Text(
        "your source gives another hash for a block",
        "您的来源对某区块给出了不同的哈希",
        "Look again at a second source of your own; if it agrees with the first, the package lies.",
        "请用您自己的第二个来源再次查询；若与第一个一致，则证据包不实。",
    ),
    "LEVEL_BELOW_POLICY": Text(
        "the as-of block is confirmed at a lower level than your policy asks for",
        "截止区块的确认等级低于您的策略所要求",
        "Ask the endpoints of your policy with --rpc, or set level in its [limits] to what suffices for you.",
        "请以 --rpc 查询策略所列节点，或在其 [limits] 中将 level 设为您认为足够的等级。",
    ),
    "BLOCK_DISPUTED": Text(
        "sources of yours give different hashes for a block; which of them is wrong is not decided here",
        "您的各个来源对某区块给出了不同的哈希；此处不判断何者有误",
        "Ask further sources of your own. Once you know which source errs, run again without it.",
        "请再查询您自己的其他来源。确知何者有误后，去除该来源重新运行。",
    ),
    "BLOCK_LIST_FORM": Text(
        "a signed list of block hashes can't be read",
        "某份已签名的区块哈希列表无法读取",
        "Use the list's file as it was published, or leave it out.",
        "请使用公布的列表原文件，或不使用该列表。",
    ),
    "BLOCK_LIST_NOT_PINNED": _trust(
        "no key that your policy pins has signed a list of block hashes, so it counts for nothing",
        "某份区块哈希列表未由您策略所列的密钥签署，故不予采用",
    ),
    "BLOCK_LIST_SIGNATURE": Text(
        "the signature on a list of block hashes is not good, so it counts for nothing",
        "某份区块哈希列表的签名无效，故不予采用",
        "Use the list's file as it was published, or leave it out.",
        "请使用公布的列表原文件，或不使用该列表。",
    ),
    "NOT_BEFORE_MISSING": Text(
        "a batch names no block after which it was sealed",
        "有批次未载明其封存之前的区块",
        "Nothing can be added now; the records have no earliest time of sealing.",
        "现已无法补充；这些记录没有最早封存时间。",
    ),
    "NOT_BEFORE_MISMATCH": _changed(
        "a block that a batch names is not the one in the package",
        "批次所载区块与证据包中的不符",
    ),
    "NOT_BEFORE_UNCONFIRMED": Text(
        "no source of yours confirms a block after which a batch was sealed; compare its hash",
        "批次封存之前的区块尚未由您自己的来源确认；请核对其哈希",
        "Look the block up at a source that you trust and put its hash into your inputs file.",
        "请在您信任的来源查询该区块，并将其哈希写入输入文件。",
    ),
    "NOT_BEFORE_LATE": _log_lies(
        "a batch names a block that is later than its own anchor", "批次所载区块晚于其自身的锚定"
    ),
    # Fork, comparison and replay (§9)
    "FORK_NOT_PROVED": Text(
        "the file proves no fork",
        "该文件不能证明分叉",
        "Ask whoever gave it for the two statements themselves; this file shows nothing.",
        "请向提供者索取两份陈述原件；此文件不能证明任何事项。",
    ),
    "FORK_KEY_TYPE_UNKNOWN": Text(
        "two statements contradict each other, and one bears a signature of a type that this "
        "verifier does not know",
        "两份陈述相互矛盾，其中之一的签名类型为本验证程序所不识",
        "Check it with a newer verifier.",
        "请用较新的验证程序检查。",
    ),
    "FORK_NOT_PINNED": Text(
        "two statements contradict each other, and nothing of yours says that the log made both",
        "两份陈述相互矛盾，但您未确认二者均出自该日志",
        "Compare the keys below with those of the log from a source of your own, pin them in a policy, "
        "and run again with --policy.",
        "请将下列密钥与您自有来源中的日志密钥比对，写入策略后以 --policy 重新运行。",
    ),
    "FORK_LOG_COMPROMISED": Text(
        "your policy names a last good head of this log: whoever took its keys could have made this",
        "您的策略列有该日志最后可信的链头：窃得密钥者亦可伪造此文件",
        "It shows what the keys signed, not that the log's operator did.",
        "它只表明密钥签署了什么，不表明系日志运营者所为。",
    ),
    "FORK_BLOCK_NOT_CONFIRMED": Text(
        "the anchors contradict each other if the chain holds this block, which you did not confirm",
        "若链上确有此区块，则锚定相互矛盾；您尚未确认该区块",
        "Compare the block's hash with a source of your own, list it in your inputs, and run again with "
        "--inputs; or ask the endpoints of your policy with --rpc.",
        "请将区块哈希与您自有来源比对，写入输入文件后以 --inputs 重新运行；或以 --rpc 查询策略所列节点。",
    ),
    "FORK_BLOCK_DIFFERENT": Text(
        "the chain that you know has another block there: the anchors in the file are invented",
        "您所知的链在该处是另一区块：文件中的锚定系虚构",
        "Ask whoever gave you the file why.",
        "请要求提供者说明原因。",
    ),
    "NOTHING_COMPARABLE": Text(
        "no two statements of the packages could have contradicted each other",
        "两个证据包中没有可相互印证的陈述",
        "Ask for packages with full history, or as of one block, and compare these.",
        "请索取含完整历史、或以同一区块为准的证据包再行比对。",
    ),
    "CONTRADICTION_UNPROVED": Text(
        "the packages contradict each other, and no fork follows: one of them may be forged",
        "两个证据包相互矛盾，但不足以证明分叉：其中之一可能系伪造",
        "Check each with verifier check.",
        "请用 verifier check 分别检查。",
    ),
    "REPLAY_KEY_TYPE_UNKNOWN": Text(
        "everything holds but signatures of a type that this verifier does not know",
        "除本验证程序不识的签名类型外，其余均成立",
        "Replay with a newer verifier.",
        "请用较新的验证程序重放。",
    ),
    # 17: events of foreign contracts
    "EVENT_FORM": _changed(
        "the proof of a contract event can't be read", "某合约事件的证明无法读取"
    ),
    "EVENT_PROOF_WITHHELD": Text(
        "the proof of a contract event is not disclosed",
        "某合约事件的证明未披露",
        "Ask the sender for it; without it the event is what the record says and no more.",
        "请向提交方索取；缺此证明，该事件仅为记录之陈述。",
    ),
    "EVENT_CLAIMS": _changed(
        "a record of a contract event lacks a claim, or one is not in its shape",
        "某合约事件的记录缺少字段，或字段形式不符",
    ),
    "EVENT_CLAIM_WITHHELD": Text(
        "a record of a contract event does not disclose a claim that its proof would confirm",
        "某合约事件的记录未披露可由其证明核实的字段",
        "Ask the sender for it.",
        "请向提交方索取。",
    ),
    "EVENT_CHAIN_NOT_LISTED": _trust(
        "your policy does not list the chain of a contract event",
        "您的策略未列出某合约事件所在的链",
    ),
    "EVENT_BLOCK": _changed(
        "the block of a contract event is not the one that its record names",
        "某合约事件所在区块与其记录所载不符",
    ),
    "EVENT_PROOF": _changed(
        "the proof of a contract event does not hold", "某合约事件的证明不成立"
    ),
    "EVENT_TYPE_UNKNOWN": Text(
        "a contract event is in a transaction of a type that this verifier does not know",
        "某合约事件所在交易的类型为本验证程序所不识",
        "Check it with a newer verifier; nothing was guessed.",
        "请用较新的验证程序检查；本程序未作猜测。",
    ),
    "EVENT_DIFFERS": _changed(
        "a record says something else of a contract event than the chain does",
        "某记录对合约事件的陈述与链上不符",
    ),
    "EVENT_SIGNATURE": _changed(
        "a contract event has another name or other parameters than its record says",
        "某合约事件的名称或参数与其记录所载不符",
    ),
    "EVENT_CODE": _changed(
        "the code of the contract that emitted an event is not the one that its record names",
        "发出某事件的合约代码与其记录所载不符",
    ),
    "EVENT_CODE_NOT_PROVED": Text(
        "a record names the code of the contract that emitted an event, and no proof shows it",
        "某记录载明发出事件的合约代码，但无证明支持",
        "Compare the code at the contract's address with a source of your own.",
        "请用您自己的来源核对该合约地址的代码。",
    ),
    "EVENT_BLOCK_UNCONFIRMED": Text(
        "no source of yours confirms the block of a contract event; compare its hash",
        "某合约事件所在区块尚未由您自己的来源确认；请核对其哈希",
        "Look the block up at a source that you trust and put its hash into your inputs file.",
        "请在您信任的来源查询该区块，并将其哈希写入输入文件。",
    ),
    # 12: receipts
    "RECEIPT_FORM": Text(
        "a receipt of yours can't be read",
        "您的某份回执无法读取",
        "Use the receipt's file as the service gave it.",
        "请使用服务方所给的回执原文件。",
    ),
    "RECEIPT_OF_OTHER": Text(
        "a receipt of yours is for another log or matter",
        "您的某份回执属于另一日志或事项",
        "Take it out of your inputs, or ask for the package of its matter.",
        "请将其从输入中移除，或索取其所属事项的证据包。",
    ),
    "RECEIPT_KEY_NOT_PINNED": _trust(
        "no receipt key that your policy pins has signed a receipt of yours",
        "您的某份回执未由您策略所列的回执密钥签署",
    ),
    "RECEIPT_SIGNATURE": Text(
        "the signature on a receipt of yours is not good, so it shows nothing",
        "您的某份回执签名无效，不能证明任何事项",
        "Use the receipt's file as the service gave it.",
        "请使用服务方所给的回执原文件。",
    ),
    "KEYS_COMPROMISED": Text(
        "your policy names a last good head of this log: whoever took its keys could have signed this",
        "您的策略列有该日志最后可信的链头：窃得密钥者亦可签署此件",
        "It shows what the keys signed, not that the log's operator did.",
        "它只表明密钥签署了什么，不表明系日志运营者所为。",
    ),
    "RECEIPT_CONTRADICTED": _log_lies(
        "the package contradicts a receipt that the service signed",
        "证据包与服务方签署的回执相矛盾",
    ),
    "RECEIPT_NOT_COMPARABLE": Text(
        "the extract does not show the record of a receipt of yours",
        "摘录未包含您某份回执所指的记录",
        "Ask for an extract with that record, or for the complete package.",
        "请索取包含该记录的摘录或完整证据包。",
    ),
    "RECEIPT_DEADLINE_LONG": Text(
        "a receipt of yours promises later than the log's own headers allow",
        "您的某份回执所承诺的期限晚于日志自身批次头所许",
        "Keep it: it was signed against the log's own rule. If a header that is not shown may have allowed "
        "more, ask for an export with the full history.",
        "请保留该回执：其签署违反日志自身规则。若未示明的批次头可能允许更长期限，请索取含完整历史的导出。",
    ),
    # Receipt (§10)
    "RECEIPT_UNREADABLE": Text(
        "the receipt's file can't be read",
        "无法读取回执文件",
        "Check path and permissions, then run again. Nothing was judged.",
        "请检查路径和权限后重新运行。尚未作出评判。",
    ),
    "RECEIPT_SIZE": Text(
        "the receipt's file is too large",
        "回执文件过大",
        "A receipt has at most 1 MiB. Nothing was judged.",
        "回执最大为 1 MiB。尚未作出评判。",
    ),
    "RECEIPT_PROOF_MISSING": Text(
        "the receipt is signed by a key that you trust; nothing is given that could show whether it was kept",
        "该回执由您信任的密钥签署；但未提供可表明其是否履行的材料",
        "Give a package or a chain proof of the log with --evm, as of a block after the deadline.",
        "请以 --evm 提供该日志的证据包或链上证明，截止区块须晚于期限。",
    ),
    "RECEIPT_PROOF_OF_OTHER": Text(
        "the chain proof is of another log than the receipt",
        "链上证明与回执不属于同一日志",
        "Give a chain proof of the log that the receipt names.",
        "请提供回执所指日志的链上证明。",
    ),
    "RECEIPT_NO_ANCHOR": Text(
        "the service broke its promise: no anchor that could hold the record was made by the deadline",
        "服务方违背承诺：期限之前没有任何可能包含该记录的锚定",
        "Keep receipt, chain proof, and the source of the block's hash: together they prove it.",
        "请保留回执、链上证明及区块哈希的来源：三者合并即为证明。",
    ),
    "RECEIPT_LATE": Text(
        "the service broke its promise: the last anchor by the deadline does not hold the record",
        "服务方违背承诺：期限之前的最后一次锚定不包含该记录",
        "Keep receipt, package, and the source of the block's hash: together they prove it.",
        "请保留回执、证据包及区块哈希的来源：三者合并即为证明。",
    ),
    "RECEIPT_NOT_DUE": Text(
        "as of this block the promise is not due yet",
        "截至该区块，承诺尚未到期",
        "Run again with a proof as of a block after the deadline.",
        "请以截止区块晚于期限的证明重新运行。",
    ),
    "RECEIPT_LINKS_SHORT": Text(
        "the anchors shown begin after the deadline, so an earlier one may hold the record",
        "所示锚定均晚于期限，更早的锚定可能包含该记录",
        "Give a chain proof whose links begin before the receipt.",
        "请提供锚定链起点早于回执的链上证明。",
    ),
    "RECEIPT_LATE_NOT_SHOWN": Text(
        "the package shows the record under an anchor after the deadline; whether an earlier one holds it is "
        "not shown",
        "证据包以期限之后的锚定示明该记录；更早的锚定是否包含该记录并未示明",
        "Ask the service for an export of this matter with the full history.",
        "请向服务方索取本事项含完整历史的导出。",
    ),
    "RECEIPT_PACKAGE_FAULTY": Text(
        "the package of this matter does not pass, so it shows nothing of the record",
        "本事项的证据包未通过检查，不能说明该记录的任何情况",
        "Run verifier check on it, and see to what it finds.",
        "请对其运行 verifier check，并处理所发现的问题。",
    ),
    "RECEIPT_INCLUSION_MISSING": Text(
        "there are anchors by the deadline, and nothing here shows whether they hold the record",
        "期限之前已有锚定，但现有材料未表明其是否包含该记录",
        "Ask the service for a package of this matter with the record, as of a block after the deadline. "
        "If it gives none, that is worth stating, and is no proof.",
        "请向服务方索取含该记录、截止区块晚于期限的本事项证据包。若其不予提供，值得陈述，但并非证明。",
    ),
    # 13: withheld
    "WITHHELD_MISMATCH": _changed(
        "what is listed as withheld or erased is not what is missing",
        "所列未披露或已删除的内容与实际缺失的不符",
    ),
    "TOMBSTONE_MISSING": _changed(
        "a record is said to be erased, and no record of the erasure is shown",
        "有记录称已删除，但未示明删除记录",
    ),
    "ERASED_AFTER_DISPUTE": Text(
        "a record was erased after the dispute began",
        "有记录在争议发生后被删除",
        "Ask on whose authority; the record of the erasure names it.",
        "请询问其依据；删除记录中载有说明。",
    ),
    # 15: timestamp
    "TOKEN_FORM": _changed("a timestamp token can't be read", "有时间戳令牌无法读取"),
    "TOKEN_MISMATCH": _changed(
        "a timestamp token is of something else than the checkpoint or the token that it stands for",
        "有时间戳令牌所证并非其所附的检查点或令牌",
    ),
    "TOKEN_SIGNATURE": _changed(
        "a timestamp token's signature is not good", "有时间戳令牌签名无效"
    ),
    "TOKEN_CERTIFICATE": _changed(
        "a timestamp token is signed under a certificate that is not for timestamps alone",
        "签署时间戳令牌的证书并非专用于时间戳",
    ),
    "TOKEN_CERTIFICATE_TIME": _changed(
        "the certificate of a timestamp token was not valid at the token's time",
        "时间戳令牌的证书在令牌所载时间并非有效",
    ),
    "TOKEN_MISSING": Text(
        "a shown checkpoint has no timestamp token, while others have",
        "有检查点未附时间戳令牌，而其他检查点附有",
        "Ask the sender for a new export; tokens that came late are in it.",
        "请向提交方索取新的导出；迟到的令牌会包含在内。",
    ),
    "TOKEN_ALGORITHM": _trust(
        "a timestamp token is signed by an algorithm or key that this verifier does not accept",
        "有时间戳令牌所用的签名算法或密钥不被本验证程序接受",
    ),
    "TOKEN_NOT_PINNED": _trust(
        "a timestamp token is not of an authority that your policy pins for its time",
        "有时间戳令牌并非出自您的策略在该时间所列的时间戳机构",
    ),
    "TOKEN_BACKWARDS": _changed(
        "a timestamp token is earlier than the one that it renews",
        "有时间戳令牌早于其所续签的令牌",
    ),
    "TOKEN_RENEWED_LATE": Text(
        "a timestamp token was renewed only after a certificate under it had ended",
        "有时间戳令牌在其所依证书到期之后才续签",
        "The token before it shows no more than one that was never renewed. Ask the sender for another "
        "chain of tokens.",
        "其前的令牌与从未续签者无异。请向提交方索取另一条令牌链。",
    ),
    "TOKEN_GAP": Text(
        "a timestamp token's time is further from its anchor than your policy allows",
        "时间戳令牌所载时间与其锚定相差超过您的策略所允许的限度",
        "Either clock may be wrong, or the token was asked for late; it still shows that all this was there "
        "by then. Ask the sender why.",
        "可能是任一方时钟有误，或令牌申请过迟；但它仍表明上述内容当时已存在。请向提交方询问原因。",
    ),
    # Sources.
    "SOURCE_FORM": _changed(
        "a source's files are not what the format says", "来源系统的文件不符合格式"
    ),
    "SOURCE_OF_OTHER_LOG": _changed("a source is of another log", "所示来源系统属于另一日志"),
    "SOURCE_MAP_PROOF": _changed(
        "the log's map does not hold this head of a source's log",
        "日志映射中没有来源系统日志的这一头部",
    ),
    "SOURCE_NOT_INCLUDED": _changed(
        "what is shown of a source's log is not what its head commits to",
        "所示来源系统日志内容与其头部所承诺的不一致",
    ),
    "SOURCE_RECORD_DIFFERS": _log_lies(
        "a record names a source and a number, and that source's log has no such record",
        "某记录载明来源系统及编号，而该来源系统的日志中没有这一记录",
    ),
    "SOURCE_ENTRIES": _changed(
        "other entries of a source's log are shown than the format asks for",
        "所示来源系统日志条目与格式所要求的不同",
    ),
    "SOURCE_PROFILE": _log_lies(
        "a source's log does not keep what its profile says", "来源系统日志未保持其说明所载内容"
    ),
    "SOURCE_NUMBER_TWICE": _log_lies(
        "a source's log has two records under one number", "来源系统日志中同一编号下有两条记录"
    ),
    "SOURCE_NUMBER_DIFFERS": _log_lies(
        "a number in a source's log contradicts a closing", "来源系统日志中的编号与某日结存相矛盾"
    ),
    "SOURCE_CLOSING_DIFFERS": _log_lies(
        "a closing in a source's log is not what follows from its day",
        "来源系统日志的某日结存与当日条目不符",
    ),
    "SOURCE_ASIDE_CLAIM": _log_lies(
        "a record and its source's log don't agree on whether its row waited before it came into the matter",
        "某记录与其来源系统日志就该行归入事项之前是否曾搁置说法不一",
    ),
    "SOURCE_ASIDE_DIFFERS": _log_lies(
        "an entry in a source's log names as its row that waited what is none of that number",
        "来源系统日志的某条目所指的搁置行并非该编号的行",
    ),
    "SOURCE_ASIDE_NOT_OPENED": _log_lies(
        "a record is not the row that its source's log set aside under its number",
        "某记录并非其来源系统日志以该编号搁置的行",
    ),
    "SOURCE_ASIDE_WITHHELD": Text(
        "what shows that a record is the row that waited is withheld",
        "用以证明某记录即搁置之行的内容未披露",
        "Ask the sender to show the claims aside and raw of that record, if it matters to you that its row "
        "did not change while it waited.",
        "如该行搁置期间有无改动对您重要，请要求提交方披露该记录的 aside 和 raw。",
    ),
    "SOURCE_ASIDE_ERASED": Text(
        "a record that waited was erased, so nobody can compare it any more with the row that was set aside",
        "某曾搁置的记录已被删除，无法再与当时的行比对",
        "Nothing to do: its number came when the log says, and its content is gone.",
        "无需处理：其编号的登记时间以日志为准，内容已不存在。",
    ),
    "SOURCE_ASKED_OF_OTHER_LOG": Text(
        "a source that you ask for belongs to another log",
        "您所要求的来源系统属于另一日志",
        "Ask for a package from the log that the source's number names.",
        "请索取该来源系统编号所属日志的证据包。",
    ),
    "SOURCE_ASKED_NOT_SHOWN": Text(
        "a source that you ask for is not in the package",
        "证据包未附您所要求的来源系统",
        "Ask the sender for an export that shows this source by its number (`notary export --source`); any "
        "source of the log can be shown, also one that no record of the matter names.",
        "请向提交方索取按编号附上该来源系统的导出（`notary export --source`）；日志中的任何来源系统均可附上，"
        "即使该事项没有记录载明它。",
    ),
    "SOURCE_DAYS_NOT_COVERED": Text(
        "the closings of a source do not cover the days that you ask for",
        "来源系统的日结存未覆盖您所要求的日期",
        "A log says nothing of days before it began. For later days ask the sender for an export as of a "
        "later block.",
        "日志对其开始之前的日期不作说明；如为较晚日期，请向提交方索取截至更晚区块的导出。",
    ),
    "SOURCE_DAYS_NOT_SHOWN": Text(
        "the days of a source that you ask for are not shown whole, so what is missing in them is as the "
        "service states it",
        "您所要求的来源系统日期未完整附上，其缺失编号仅为服务方陈述",
        "Ask the sender for an export that shows the source from the first of these days on (`notary export "
        "--source NUMBER@DAY`).",
        "请向提交方索取自该首日起完整附上该来源系统的导出（`notary export --source NUMBER@DAY`）。",
    ),
    "SOURCES_NOT_SHOWN": Text(
        "records name sources whose logs are not in the package, so nothing is said of their numbers",
        "记录载明了来源系统，但证据包未附其日志，因此对其编号不作说明",
        "Ask the sender for an export with sources, if gaps in them matter to you.",
        "如编号是否有缺对您重要，请向提交方索取含来源系统的导出。",
    ),
    # What is not judged.
    "BLOCKED": Text(
        "an earlier failure took away what this needs",
        "因前述问题，本项无法检查",
        "See the other rows; this one follows from them.",
        "请先看其他项目；本项随其结果而定。",
    ),
    "EXTRACT": _none("an extract does not say that it is all", "摘录不表明其为全部记录"),
    "NO_RECORDS": _none("the package has no records", "证据包不含记录"),
    "NO_TOKEN": _none("the package has no timestamp token", "证据包不含时间戳令牌"),
    "NO_SIGNED_ACTS": _none("the package has no signed acts", "证据包不含签署的行为"),
    "NO_EVENTS": _none("the package has no proved contract event", "证据包不含附证明的合约事件"),
    "NO_SOURCES": _none("no record names a source", "没有记录载明来源系统"),
    "NO_RECEIPTS": _none("you gave no receipts", "您未提供回执"),
    # Findings, outside the verdict.
    "SM3_NOT_CHECKED": Text(
        "SM3 digests were not looked at",
        "未检查 SM3 摘要",
        "Run again with --sm3 if you rely on them.",
        "如需依据 SM3，请加 --sm3 重新运行。",
    ),
    "KEYS_HANDED_OVER": Text(
        "the service has changed its keys since; keys that you trust handed over to the new ones",
        "服务方其后更换了密钥；您所信任的密钥已交接给新密钥",
        "Nothing to do. You may pin the new keys as well; the JSON report lists their digests.",
        "无需处理。您也可以在策略中加入新密钥；其摘要见 JSON 报告。",
    ),
    "VERIFIER_DIFFERS": Text(
        "the exporter names another verifier than this one",
        "导出方所用验证程序与本程序不同",
        "Nothing to do, as long as yours comes from where you trust it.",
        "只要您的验证程序来源可信，即无需处理。",
    ),
    "OBSERVED": _none(
        "answers of endpoints that travel in the package were not used",
        "证据包所附的节点答复未被采用",
    ),
    "STATED_BY_SERVICE": _none(
        "recorded_at and sealed_at are stated by the service; no proof supports them",
        "recorded_at 与 sealed_at 由服务方陈述，并无证明支持",
    ),
    "RECEIPT_ANCHORED_LATER": Text(
        "a record is shown under an anchor after the deadline of its receipt; whether an earlier one holds "
        "it is not judged here",
        "某记录以其回执期限之后的锚定示明；更早的锚定是否包含该记录，此处不作判断",
        "Ask verifier receipt whether the promise was kept, with this package or one with the full history.",
        "请以 verifier receipt 配合此证据包或含完整历史的证据包，查明该承诺是否履行。",
    ),
    "LOG_CONTINUES": Text(
        "the log states that it continues another log from a checkpoint",
        "该日志声明其自某检查点起承接另一日志",
        "Ask for a package of the other log as well: the two agree if its last header names this log.",
        "请同时索取另一日志的证据包：若其末批次载明本日志为后继，则二者相符。",
    ),
    "SOURCE_GAPS": Text(
        "numbers of a source are missing: no record taken in has them; a reason that follows is the "
        "agency's word",
        "某来源系统有编号缺失：所收记录中无此编号；其后所附原因为机构之陈述",
        "Ask the sender what these numbers are. A record that got no number leaves no gap.",
        "请向提交方询问这些编号的情况。未获编号的记录不留空缺。",
    ),
    "SOURCE_CAME_LATE": Text(
        "records came after a closing of their source that called their numbers missing",
        "有记录晚于其来源系统已载明该编号缺失的日结存",
        "Ask the sender why they came late; their numbers had been left out by the source until then.",
        "请向提交方询问迟交原因；此前来源系统已留出这些编号。",
    ),
    "SOURCE_CLOCK_BACK": Text(
        "a record says an earlier time than one of the same source with a smaller number",
        "某记录所称时间早于同一来源系统中编号更小的记录",
        "Ask the sender about the clock of the source.",
        "请向提交方询问来源系统的时钟情况。",
    ),
    "SOURCE_NUMBERED_BY_SERVICE": Text(
        "the service gave a source's numbers as it took records in: they say nothing of records that "
        "never came",
        "某来源系统的编号由服务方收录时给出：不能说明从未提交的记录",
        "Don't read the absence of gaps as completeness of the source.",
        "勿将无缺号理解为来源系统记录完整。",
    ),
    "SOURCE_HIDES": Text(
        "a source leaves records out by its settings, as its agency states",
        "据机构陈述，某来源系统因设置而不记录部分内容",
        "Ask what these settings leave out; such records have no number and leave no gap.",
        "请询问这些设置略去了什么；此类记录无编号，也不留空缺。",
    ),
    "SOURCE_CLOSED_EARLY": Text(
        "a day of a source was closed before it ended, by the chain's time",
        "按链上时间，某来源系统的某日在结束前已结存",
        "The service's clock was ahead; what came later that day stands under another day.",
        "服务方时钟超前；当日其后的记录列于另一日。",
    ),
    "EVENT_TIME_DIFFERS": Text(
        "a record gives another time for a contract event than its block has",
        "某记录所载合约事件的时间与其区块时间不同",
        "The block's time is the chain's; ask the sender what the other one is.",
        "区块时间出自链上；请向提交方询问另一时间的含义。",
    ),
    "ERASED_AND_SHOWN": Text(
        "a record is shown although the log records its erasure",
        "日志载明已删除的记录仍被出示",
        "Ask where its content comes from: the service stated that it destroyed it.",
        "请询问其内容来源：服务方曾陈述已将其销毁。",
    ),
    "EVENT_TWICE": Text(
        "two records show one contract event",
        "两条记录所示为同一合约事件",
        "Count it once.",
        "请仅计一次。",
    ),
    "EVENT_WITHOUT_PROOF": Text(
        "a record of a contract event has no proof",
        "某合约事件的记录未附证明",
        "Ask the sender for one; without it the event is what the record says and no more.",
        "请向提交方索取；缺此证明，该事件仅为记录之陈述。",
    ),
    "EVENT_AFTER_RECORD": Text(
        "a record says that its event came after it was recorded",
        "有记录所称事件晚于其记录时间",
        "Ask the sender about the clock of the source.",
        "请向提交方询问来源系统的时钟情况。",
    ),
}


def text_of(code: str) -> Text:
    """The text of a code; what follows its colon is the format error's own code."""
    return TEXTS[code.partition(":")[0]]


def sentences(code: str, detail: str) -> tuple[str, str]:
    """English and Chinese for a code and what in particular it is about."""
    text = text_of(code)
    if not detail:
        return text.en, text.zh
    return f"{text.en}: {detail}", f"{text.zh}：{detail}"
