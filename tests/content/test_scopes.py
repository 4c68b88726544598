"""Macros of one name in the shipped pack and in other content."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from podhawk.content import load_content, shipped_pack

TWIN = """\
name: Kubernetes Suspicious Image Pulling
id: 11111111-2222-4333-8444-555555555555
version: 1
date: '2026-01-01'
author: me
type: Anomaly
status: production
description: x
search: >-
  `kube_audit` NOT `kube_allowed_images` | stats count by user.username | `kubernetes_suspicious_image_pulling_filter`
tags:
  analytic_story: []
"""
IMAGES = "name: kube_allowed_images\ndefinition: image=mine\n"
FILTER = "name: kubernetes_suspicious_image_pulling_filter\ndefinition: search user.username=x\n"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    root = tmp_path / "other"
    for name, text in (("detections/twin", TWIN), ("macros/images", IMAGES), ("macros/filter", FILTER)):
        path = root / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize("order", list(permutations((0, 1))))
def test_macros_of_other_content_changed_the_pack(other: Path, order: tuple[int, int]) -> None:
    roots = (shipped_pack(), other)
    content = load_content([roots[number] for number in order])
    alone = {root: load_content([root]) for root in roots}
    for one in content.detections:
        if one.name == "Kubernetes Suspicious Image Pulling":
            root = other if one.home == str(other) else shipped_pack()
            for name in ("kube_allowed_images", "kubernetes_suspicious_image_pulling_filter"):
                seen = content.macros_for(one)[name, 0].definition
                assert seen == alone[root].macros[name, 0].definition


def test_what_a_site_overrides_holds_for_both(other: Path) -> None:
    content = load_content([shipped_pack(), other], macro_overrides={"kube_allowed_images": "image=site"})
    assert {content.macros_for(one)["kube_allowed_images", 0].definition for one in content.detections} == {
        "image=site"
    }
