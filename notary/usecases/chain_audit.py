"""Runs an audit from the beginning or from where it was stopped, and keeps which drift stands.

What is asked is in `audit_questions`. Spec: docs/spec/sender.md §7, docs/operations.md. Test:
tests/scenarios/service/test_audit.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from notary.chain_ports import ChainAway, ChainContradiction
from notary.core.audit_state import AuditMemory, AuditState, Finding
from notary.ports import Progress
from notary.usecases.audit_questions import DAMAGE, Questions, Step, Unchecked
from verifier.format import times

SAVE_EVERY = 100  # steps: a killed audit loses no more


@dataclass
class Audit:
    """One audit of one log."""

    questions: Questions
    memory: AuditMemory

    def run(
        self, now: Callable[[], datetime], progress: Progress, *, since: int = 0, full: bool = False
    ) -> AuditState:
        """Audit from the beginning, or go on with one of the same kind that was stopped.

        `since` is the block time of the first anchor that is asked for. Raises CallerError AUDIT_FILE.
        """
        state = self._begin(times.format_time(now()), since, full)
        asked = self.questions.steps(since, full=full)
        steps = [step for step in asked if step.number > state.done.get(step.kind, -1)]
        before = state.steps
        for step in steps:
            finding = self._answer(step)
            if finding is not None:
                self._note(state, finding, times.format_time(now()))
            elif any(one.subject == step.subject for one in state.standing):
                state.well.append(step.subject)
            state.done[step.kind] = step.number
            state.steps += 1
            if state.steps % SAVE_EVERY == 0 or finding is not None:
                self.memory.keep(state)
            progress(state.steps, before + len(steps))
        self._end(state, times.format_time(now()))
        return state

    def _begin(self, now: str, since: int, full: bool) -> AuditState:
        last, hosts = self.memory.read(), self.questions.hosts
        if (
            last is not None
            and last.ended_at is None
            and (last.since, last.full, last.hosts) == (since, full, hosts)
        ):
            return last
        state = AuditState(now, since, full, hosts)
        if last is not None:
            state.standing, state.standing_since = last.standing, last.standing_since
        self.memory.keep(state)
        return state

    def _end(self, state: AuditState, now: str) -> None:
        # One endpoint's good word does not speak for another that could not be asked.
        well = set(state.well) - {one.subject for one in state.found}
        # What this audit did not ask, or could not, stands.
        state.standing = [one for one in state.standing if one.subject not in well]
        if not state.standing:
            state.standing_since = None
        state.ended_at = now
        self.memory.keep(state)

    def _note(self, state: AuditState, finding: Finding, now: str) -> None:
        state.found.append(finding)
        if finding.drift:
            others = [one for one in state.standing if one.subject != finding.subject]
            state.standing = [*others, finding]
            state.standing_since = state.standing_since or now

    def _answer(self, step: Step) -> Finding | None:
        try:
            step.ask()
        except (Unchecked, ChainAway, ChainContradiction) as error:
            return Finding(step.subject, False, str(error))
        except DAMAGE as error:
            return Finding(step.subject, True, str(error) or type(error).__name__)
        return None
