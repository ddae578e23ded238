"""Modals and home tabs as they stand before people: stacks of at most three, ids, hashes."""

from __future__ import annotations

import secrets
from dataclasses import replace

from bot.sandbox.slack import ids
from bot.sandbox.slack.blocks import View
from bot.sandbox.slack.model import Json, SlackError
from bot.sandbox.slack.workspace import Workspace

MOST_STACKED = 3


def _body(body: Json) -> Json:
    return {**body, "blocks": list(ids.filled(body.get("blocks", ())))}


def _hash(workspace: Workspace) -> str:
    return f"{int(workspace.now())}.{secrets.token_hex(4)}"


def everything(workspace: Workspace) -> list[View]:
    return [*(one for stack in workspace.modals.values() for one in stack), *workspace.homes.values()]


def find(workspace: Workspace, view_id: str, external_id: str = "") -> View | None:
    with workspace.locked():
        for one in everything(workspace):
            if one.id == view_id or (external_id and one.body.get("external_id") == external_id):
                return one
    return None


def check_external_id(workspace: Workspace, body: Json, but: View | None = None) -> None:
    wanted = body.get("external_id")
    if wanted:
        taken = find(workspace, "", wanted)
        if taken is not None and (but is None or taken.id != but.id):
            raise SlackError("duplicate_external_id")


def top(workspace: Workspace, user: str) -> View | None:
    """The modal this person looks at."""
    with workspace.locked():
        stack = workspace.modals.get(user)
        return stack[-1] if stack else None


def show(workspace: Workspace, user: str, body: Json) -> View:
    """Open a modal before a person, in place of any that was open."""
    with workspace.locked():
        made = View(workspace.new_id("V"), user, _hash(workspace), _body(body))
        made = replace(made, root_id=made.id)
        workspace.modals[user] = [made]
        workspace.tell("view_opened", user=user, view=made)
        return made


def push(workspace: Workspace, user: str, body: Json) -> View:
    with workspace.locked():
        stack = workspace.modals.get(user) or []
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= MOST_STACKED:
            raise SlackError("push_limit_reached")
        made = View(workspace.new_id("V"), user, _hash(workspace), _body(body), stack[0].id, previous_id=stack[-1].id)
        stack.append(made)
        workspace.tell("view_opened", user=user, view=made)
        return made


def update(workspace: Workspace, old: View, body: Json) -> View:
    with workspace.locked():
        new = replace(old, body=_body(body), hash=_hash(workspace), errors={})
        _put(workspace, old, new)
        return new


def show_errors(workspace: Workspace, view: View, errors: dict[str, str]) -> View:
    """What `response_action: errors` does: sentences beside their inputs, the modal stays."""
    with workspace.locked():
        new = replace(view, errors=errors)
        _put(workspace, view, new)
        return new


def _put(workspace: Workspace, old: View, new: View) -> None:
    if old.type == "home":
        workspace.homes[old.user] = new
    else:
        stack = workspace.modals.get(old.user, [])
        for index, one in enumerate(stack):
            if one.id == old.id:
                stack[index] = new
    workspace.tell("view_updated", user=old.user, view=new)


def publish(workspace: Workspace, user: str, body: Json) -> View:
    with workspace.locked():
        old = workspace.homes.get(user)
        view_id = old.id if old else workspace.new_id("V")
        made = View(view_id, user, _hash(workspace), _body(body), view_id)
        workspace.homes[user] = made
        workspace.tell("home_published", user=user, view=made)
        return made


def remove(workspace: Workspace, view: View) -> None:
    """Take away one modal, wherever it lies in the stack: what the app opened meanwhile stays."""
    with workspace.locked():
        stack = workspace.modals.get(view.user, [])
        for one in [each for each in stack if each.id == view.id]:
            stack.remove(one)
            workspace.tell("view_closed", user=view.user, view=one)


def close(workspace: Workspace, user: str, *, everything: bool = False) -> list[View]:
    """Take away the topmost modal, or all of them; answers those gone, topmost first."""
    with workspace.locked():
        stack = workspace.modals.get(user, [])
        gone = [stack.pop() for _ in range(len(stack) if everything else min(1, len(stack)))]
        for one in gone:
            workspace.tell("view_closed", user=user, view=one)
        return gone
