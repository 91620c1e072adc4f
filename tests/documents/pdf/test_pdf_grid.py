"""The grid of tables and the widths of their columns."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.documents.pdf.blocks import Cell, Heading, ItemList, ListItem, Paragraph, Picture, Run, Table, plain
from connector.documents.pdf.grid import GridReader
from connector.documents.pdf.layout import LANDSCAPE_WIDTH, PORTRAIT_WIDTH, laid_out
from connector.documents.pdf.metrics import text_width
from connector.documents.pdf.style import PLAIN


def grid(inner: str) -> GridReader:
    return GridReader(etree.fromstring(f"<table>{inner}</table>"))


def places(inner: str) -> dict[str, tuple[int, int, int, int]]:
    """Text of the cell -> row, column, rows, columns."""
    slots = grid(inner).slots()
    return {
        slot.element.text or "": (slot.cell.row, slot.cell.column, slot.cell.rows, slot.cell.columns)
        for slot in slots
    }


class TestPlaces:
    def test_spans_push_the_cells_that_follow(self) -> None:
        found = places(
            '<tr><td rowspan="2">a</td><td colspan="2">b</td></tr><tr><td>c</td><td>d</td></tr><tr><td>e</td></tr>'
        )
        assert found == {
            "a": (0, 0, 2, 1), "b": (0, 1, 1, 2), "c": (1, 1, 1, 1), "d": (1, 2, 1, 1), "e": (2, 0, 1, 1),
        }  # fmt: skip

    def test_a_span_stops_before_a_cell_that_hangs_down(self) -> None:
        found = places('<tr><td>a</td><td rowspan="2">b</td><td>x</td></tr><tr><td colspan="3">c</td><td>d</td></tr>')
        assert found["c"] == (1, 0, 1, 1)
        assert found["d"] == (1, 2, 1, 1)

    def test_rows_stand_in_the_order_head_body_foot(self) -> None:
        found = places(
            "<tfoot><tr><td>f</td></tr></tfoot><tbody><tr><td>b</td></tr></tbody><thead><tr><th>h</th></tr></thead>"
        )
        assert [name for name, _ in sorted(found.items(), key=lambda item: item[1])] == ["h", "b", "f"]

    def test_a_header_cell_does_not_reach_into_the_body(self) -> None:
        found = places('<thead><tr><th rowspan="5">h</th></tr></thead><tbody><tr><td>b</td></tr></tbody>')
        assert found == {"h": (0, 0, 1, 1), "b": (1, 0, 1, 1)}

    def test_a_rowspan_of_zero_goes_to_the_end(self) -> None:
        assert places('<tr><td rowspan="0">a</td><td>b</td></tr><tr><td>c</td></tr>')["a"] == (0, 0, 2, 1)

    def test_columns_in_which_no_cell_begins_are_left_out(self) -> None:
        found = places('<tr><td colspan="99">a</td></tr><tr><td>b</td><td colspan="3">c</td></tr>')
        assert found == {"a": (0, 0, 1, 2), "b": (1, 0, 1, 1), "c": (1, 1, 1, 1)}

    @pytest.mark.parametrize(
        ("inner", "rows"),
        [
            ("<thead><tr><th>h</th></tr></thead><tr><td>b</td></tr>", 1), ("<thead><tr><th>h</th></tr></thead>", 0),
            ("<tr><th>h</th></tr><tr><th>i</th></tr><tr><td>b</td></tr>", 2), ("<tr><th>h</th></tr>", 0),
            ("<tr><th>h</th><td>b</td></tr>", 0), ("<tr/><tr><td>b</td></tr>", 0), ("", 0),
        ],
    )  # fmt: skip
    def test_header_rows_are_those_of_thead_or_the_first_of_th(self, inner: str, rows: int) -> None:
        assert grid(inner).header_rows == rows

    @given(rows=st.lists(st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5)), max_size=5), max_size=6))
    def test_no_two_cells_lie_on_each_other_and_none_is_lost(self, rows: list[list[tuple[int, int]]]) -> None:
        cells = [[f'<td rowspan="{down}" colspan="{across}"/>' for down, across in row] for row in rows]
        inner = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
        reader = grid(inner)
        taken = [
            place
            for slot in reader.slots()
            for place in product(
                range(slot.cell.row, slot.cell.row + slot.cell.rows),
                range(slot.cell.column, slot.cell.column + slot.cell.columns),
            )
        ]
        assert len(taken) == len(set(taken))
        assert len(reader.slots()) == sum(map(len, rows))
        assert all(row < len(rows) and column < reader.columns for row, column in taken)


class TestAttributes:
    def test_alignment_comes_from_the_nearest_that_says_it(self) -> None:
        slots = grid(
            '<tbody align="center" valign="bottom"><tr align="right"><td align="LEFT">a</td><td>b</td></tr>'
            "<tr><td>c</td></tr></tbody>"
        ).slots()
        assert [slot.cell.align for slot in slots] == ["left", "right", "center"]
        assert {slot.cell.valign for slot in slots} == {"bottom"}

    def test_the_alignment_of_the_table_is_not_that_of_its_cells(self) -> None:
        reader = GridReader(etree.fromstring('<table align="center"><tbody><tr><td/></tr></tbody></table>'))
        assert reader.slots()[0].cell.align == ""

    def test_rules_are_sides(self) -> None:
        (slot,) = grid('<tr><td styleCode="Lrule Bold Toprule Rrule Botrule"/></tr>').slots()
        assert slot.cell.rules == "LRTB"

    @pytest.mark.parametrize(
        ("columns", "widths"),
        [
            ('<col width="30%"/><col width="70%"/>', (0.3, 0.7)),
            ('<col width="10px"/><col width="30"/>', (0.25, 0.75)),
            ('<colgroup><col width="1*"/><col width="3*"/></colgroup>', (0.25, 0.75)),
            ('<colgroup width="40%" span="2"/>', (0.4, 0.4)), ('<col width="40%"/>', (0.4, None)),
            ('<col width="40%"/><col width="3px"/>', ()), ("<col/><col/>", ()), ('<col width="0%"/>', ()),
            ('<col width="x"/>', ()), ("", ()), ('<col width="20%"/><col/><col width="10%"/>', (0.2, None)),
        ],
    )  # fmt: skip
    def test_widths_of_columns(self, columns: str, widths: tuple[float | None, ...]) -> None:
        assert grid(f"{columns}<tr><td>a</td><td>b</td></tr>").widths() == pytest.approx(widths)

    def test_columns_of_a_table_inside_do_not_count(self) -> None:
        assert grid('<tr><td><table><col width="9%"/><tr><td/></tr></table></td></tr>').widths() == ()


def cell(text: str, row: int = 0, column: int = 0, columns: int = 1) -> Cell:
    return Cell(row=row, column=column, columns=columns, blocks=(Paragraph(plain(text)),))


def table(*texts: str, widths: tuple[float | None, ...] = ()) -> Table:
    """One row."""
    return Table(len(texts), 0, tuple(cell(text, column=index) for index, text in enumerate(texts)), widths=widths)


class TestLayout:
    def test_every_column_holds_its_longest_word(self) -> None:
        (data,) = laid_out([table("Antibiogramme", "long texte " * 60, "R")])
        assert sum(data["w"]) == pytest.approx(PORTRAIT_WIDTH, abs=1)
        assert data["w"][0] * 1 >= text_width("Antibiogramme") * data["s"]
        assert data["w"][1] > data["w"][0] > data["w"][2]

    def test_widths_asked_for_are_taken_when_words_fit(self) -> None:
        (data,) = laid_out([table("a", "b", "c", widths=(0.5, None, 0.3))])
        assert data["w"] == pytest.approx([PORTRAIT_WIDTH * share for share in (0.5, 0.2, 0.3)], abs=0.1)

    @pytest.mark.parametrize("widths", [(0.001, 0.9), (0.9, 0.9)])
    def test_widths_asked_for_are_passed_over_when_words_would_not_fit(self, widths: tuple[float, float]) -> None:
        (data,) = laid_out([table("Antibiogramme", "b", widths=widths)])
        assert data["w"][0] > text_width("Antibiogramme")

    def test_a_table_gets_smaller_before_the_page_is_turned(self) -> None:
        scales = {}
        for count in range(4, 30):
            (data,) = laid_out([table(*["Administration"] * count)])
            inner = data["b"][0] if data["k"] == "f" else data
            scales[count] = (data["k"], inner["s"], round(sum(inner["w"])))
        assert scales[4] == ("t", 1.0, round(PORTRAIT_WIDTH))
        assert scales[7][0] == "t"
        assert scales[7][1] < 1
        assert scales[9] == ("f", 1.0, round(LANDSCAPE_WIDTH))
        assert scales[29][1] == 0.72

    def test_headings_go_with_their_landscape_table_and_neighbours_share_the_page(self) -> None:
        wide = table(*["Administration"] * 12)
        data = laid_out([Paragraph(plain("x")), Heading(plain("t"), 1), wide, Heading(plain("u"), 2), wide])
        assert [each["k"] for each in data] == ["p", "f"]
        assert [each["k"] for each in data[1]["b"]] == ["h", "t", "h", "t"]

    def test_a_table_inside_a_table_never_turns_the_page(self) -> None:
        outer = Table(1, 0, (Cell(row=0, column=0, blocks=(table(*["Administration"] * 30),)),))
        (data,) = laid_out([ItemList((ListItem("•", (outer,)),))])
        assert data["k"] == "l"
        assert not data["items"][0][1][0]["land"]

    def test_low_tables_are_kept_on_one_page_and_others_not(self) -> None:
        picture = Table(1, 0, (Cell(row=0, column=0, blocks=(Picture("<svg/>", 9, 9),)),))
        tall = Table(1, 0, tuple(cell("x", row) for row in range(40)))
        assert [each["keep"] for each in laid_out([table("a"), tall, picture])] == [True, False, False]

    def test_only_a_low_header_is_repeated(self) -> None:
        low = Table(1, 1, (cell("h"), cell("b", 1)))
        high = Table(1, 1, (cell("h " * 3_000), cell("b", 1)))
        assert [len(each["head"]) for each in laid_out([low, high])] == [1, 0]
        assert len(laid_out([high])[0]["body"]) == 2

    def test_pictures_fit_the_page(self) -> None:
        wide, tall, small = laid_out([Picture("", 4000, 100), Picture("", 100, 40_000), Picture("", 40, 20)])
        assert wide["w"] == PORTRAIT_WIDTH
        assert tall["h"] == 640
        assert (small["w"], small["h"]) == (30, 15)
        assert tall["w"] > 0
        assert laid_out([Picture("", 10, 4000)], LANDSCAPE_WIDTH)[0]["h"] == 400

    def test_a_long_word_is_cut_even_when_its_style_changes_inside(self) -> None:
        word = Paragraph((Run("A" * 60), Run("B" * 60)))
        (data,) = laid_out([word])
        text = "".join(run[0] for run in data["r"])
        assert text.replace("\u200b", "") == "A" * 60 + "B" * 60
        assert max(text_width(part) for part in text.split("\u200b")) <= PORTRAIT_WIDTH

    def test_a_character_without_italics_is_drawn_upright(self) -> None:
        (data,) = laid_out([Paragraph((Run("✖ non", PLAIN.marked("bi")), Run("oui", PLAIN.marked("i"))))])
        assert [run[1] for run in data["r"]] == ["b", "i"]

    @given(texts=st.lists(st.text(alphabet="aàé W1-", max_size=80), min_size=1, max_size=20))
    def test_widths_always_fill_the_page_and_no_text_changes(self, texts: list[str]) -> None:
        (data,) = laid_out([table(*texts)])
        data = data["b"][0] if data["k"] == "f" else data
        assert min(abs(sum(data["w"]) - page) for page in (PORTRAIT_WIDTH, LANDSCAPE_WIDTH)) < 1
        assert min(data["w"]) > 0
        shown = ["".join(run[0] for each in one["b"] for run in each["r"]) for one in data["body"]]
        assert [text.replace("\u200b", "") for text in shown] == texts
