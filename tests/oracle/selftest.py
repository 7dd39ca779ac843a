#!/usr/bin/env python3
"""Tests of the comparison itself: a replayer that cannot fail proves nothing. Run: python3 selftest.py"""
import unittest

import replay
import wire


def answer(status, body, headers=None):
    return {"status": status, "headers": headers or {}, "body": body}


def error(status, code, message):
    return answer(status, {"error": {"code": status, "status": code, "message": message}})


def compare(expected, actual, bindings=None):
    return wire.answer_differences(expected, actual, bindings or wire.Bindings())


T1, T2 = "2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000002Z"


class Comparing(unittest.TestCase):
    def test_map_order_does_not_matter(self):
        self.assertEqual(compare(answer(200, {"a": 1, "b": 2}), answer(200, {"b": 2, "a": 1})), [])

    def test_list_order_matters(self):
        self.assertTrue(compare(answer(200, [1, 2]), answer(200, [2, 1])))

    def test_numbers_compare_by_value(self):
        self.assertEqual(compare(answer(200, {"doubleValue": 1.0}), answer(200, {"doubleValue": 1})), [])

    def test_a_boolean_is_no_number(self):
        self.assertTrue(compare(answer(200, {"x": 1}), answer(200, {"x": True})))

    def test_text_is_no_number(self):
        self.assertTrue(compare(answer(200, {"integerValue": "1"}), answer(200, {"integerValue": 1})))

    def test_a_member_too_many_or_too_few_differs(self):
        self.assertTrue(compare(answer(200, {"a": 1}), answer(200, {})))
        self.assertTrue(compare(answer(200, {}), answer(200, {"a": 1})))

    def test_error_details_are_the_servers_own(self):
        actual = error(403, "PERMISSION_DENIED", "no")
        actual["body"]["error"]["details"] = [{"@type": "x"}]
        self.assertEqual(compare(error(403, "PERMISSION_DENIED", "no"), actual), [])

    def test_error_code_status_and_message_count(self):
        for other in (error(404, "PERMISSION_DENIED", "no"), error(403, "NOT_FOUND", "no"), error(403, "PERMISSION_DENIED", "x")):
            self.assertTrue(compare(error(403, "PERMISSION_DENIED", "no"), other))

    def test_cors_headers_count(self):
        allowed = answer(200, "", {"access-control-allow-origin": "x"})
        self.assertTrue(compare(allowed, answer(200, "")))
        self.assertTrue(compare(answer(200, ""), allowed))


class Placeholders(unittest.TestCase):
    def test_one_placeholder_is_one_value(self):
        b = wire.Bindings()
        self.assertIsNone(b.match("<T1>", T1))
        self.assertIsNone(b.match("<T1>", T1))
        self.assertIsNotNone(b.match("<T1>", T2))

    def test_microseconds_are_the_same_instant(self):
        b = wire.Bindings()
        self.assertIsNone(b.match("<T1>", T1))
        self.assertIsNone(b.match("version (<T1:us>)", f"version ({wire.to_us(T1)})"))
        self.assertIsNotNone(b.match("version (<T1:us>)", f"version ({wire.to_us(T2)})"))

    def test_times_must_rise(self):
        b = wire.Bindings()
        b.match("<T1>", T2)
        b.match("<T2>", T1)
        self.assertTrue(b.check_relations())

    def test_equal_times_do_not_rise(self):
        b = wire.Bindings()
        b.match("<T1>", T1)
        b.match("<T2>", T1)
        self.assertTrue(b.check_relations())

    def test_ids_must_differ(self):
        b = wire.Bindings()
        b.match("c/<ID1>", "c/aaaaaaaaaaaaaaaaaaaa")
        b.match("c/<ID2>", "c/aaaaaaaaaaaaaaaaaaaa")
        self.assertTrue(b.check_relations())

    def test_forms_are_checked(self):
        for expected, actual in (("<T1>", "2026-01-01T00:00:00.1Z"), ("<T1>", "now"), ("c/<ID1>", "c/short"),
                                 ("<S1>", "2026-01-01T00:00:00.000001Z"), ("<X1>", "")):
            self.assertIsNotNone(wire.Bindings().match(expected, actual), expected)

    def test_recording_names_the_volatile_and_nothing_else(self):
        now = wire.to_us(T2)
        namer = wire.Namer(now, now)
        body = {"updateTime": T2, "createTime": T1, "readTime": T2, "transaction": "AAAA",
                "fields": {"old": {"timestampValue": "2020-01-01T00:00:00Z"}}, "name": "c/abcdefghij0123456789"}
        namer.learn([body])
        self.assertEqual(namer.replace(body), {
            "updateTime": "<T2>", "createTime": "<T1>", "readTime": "<R1>", "transaction": "<X1>",
            "fields": {"old": {"timestampValue": "2020-01-01T00:00:00Z"}}, "name": "c/<ID1>"})


class Denials(unittest.TestCase):
    GOOGLE = "\nevaluation error at L5:22 for 'get' @ L5, false for 'get' @ L5"

    def test_each_reason_once_and_no_first_pass(self):
        self.assertIsNone(replay.denial_difference(self.GOOGLE, "\nfalse for 'get' @ L5"))

    def test_another_reason_line_or_method_differs(self):
        for ours in ("\nNull value error. for 'get' @ L5", "\nfalse for 'get' @ L6", "\nfalse for 'list' @ L5", "", "denied"):
            self.assertIsNotNone(replay.denial_difference(self.GOOGLE, ours), ours)

    def test_a_reason_twice_differs(self):
        self.assertIsNotNone(replay.denial_difference(self.GOOGLE, "\nfalse for 'get' @ L5, false for 'get' @ L5"))

    def test_a_reason_left_out_differs(self):
        google = "\nfalse for 'get' @ L5, false for 'get' @ L6"
        self.assertIsNotNone(replay.denial_difference(google, "\nfalse for 'get' @ L5"))

    def test_a_write_is_one_method(self):
        google = "\nfalse for 'create' @ L6, false for 'update' @ L6"
        self.assertIsNone(replay.denial_difference(google, "\nfalse for 'update' @ L6"))
        self.assertIsNone(replay.denial_difference(google, "\nfalse for 'create' @ L6"))
        self.assertIsNotNone(replay.denial_difference(google, "\nfalse for 'delete' @ L6"))

    def test_reasons_may_hold_commas_and_newlines(self):
        google = "\nType error. Received: a, b\n c for 'get' @ L5, Type error. Received: a, b\n c for 'get' @ L5"
        self.assertIsNone(replay.denial_difference(google, "\nType error. Received: a, b\n c for 'get' @ L5"))


class Rows(unittest.TestCase):
    def row(self, **expect):
        return replay.Row({"id": "r", "google": "", "ours": "", "why": "",
                           "expect": [{"cases": ["x"], "answer": {"status": 400}, **expect}]})

    def check(self, row, recorded, actual):
        expect = row.covering({"name": "x: y"}, 0, recorded)
        return row.check(expect, recorded, actual, wire.Bindings())

    def test_the_answer_that_the_row_says_passes(self):
        self.assertEqual(self.check(self.row(), answer(500, ""), answer(400, "")), [])

    def test_another_answer_fails(self):
        self.assertTrue(self.check(self.row(), answer(500, ""), answer(404, "")))

    def test_a_difference_that_is_gone_fails(self):
        self.assertTrue(self.check(self.row(), answer(400, ""), answer(400, "")))

    def test_when_and_steps_narrow_a_row(self):
        self.assertIsNone(self.row(when={"status": [500]}).covering({"name": "x"}, 0, answer(200, "")))
        self.assertIsNone(self.row(steps=[1]).covering({"name": "x"}, 0, answer(200, "")))
        self.assertIsNone(self.row().covering({"name": "z"}, 0, answer(200, "")))

    def test_the_table_is_well_formed_and_short_enough(self):
        self.assertLessEqual(len(replay.load_rows()), replay.MAX_ROWS)

    def test_every_row_covers_a_recorded_step(self):
        rows = replay.load_rows()
        _, cases = replay.load_lines()
        for row in rows:
            for expect in row.entry["expect"]:
                if expect.get("rest", True):
                    self.assertTrue(any(replay.covers(expect, c, i, s["answer"]) for c in cases
                                        for i, s in enumerate(c["steps"])), expect["cases"])


class Recordings(unittest.TestCase):
    def test_projects_are_not_shared_and_names_are_unique(self):
        fixtures, cases = replay.load_lines()
        own = [c["project"] for c in cases if "uses" not in c] + [f["project"] for f in fixtures.values()]
        self.assertEqual(len(own), len(set(own)))
        names = [c["name"] for c in cases]
        self.assertEqual(len(names), len(set(names)))

    def test_there_are_enough(self):
        _, cases = replay.load_lines()
        self.assertGreaterEqual(sum(len(c["steps"]) for c in cases), 3000)


if __name__ == "__main__":
    unittest.main()
