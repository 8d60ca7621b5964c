package deprecation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload/deprecation"
)

func TestComment(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"onward: deprecated 2026-11-01, remove after 2027-02-01, renamed to display_name": "2026-11-01 2027-02-01 display_name",
		"The nick. Onward:  Renamed to \"Display\" ,Deprecated.\nMore words.":             "  Display",
		"onward: remove after 2028-02-29, deprecated since 2027-01-01":                    "2027-01-01 2028-02-29 ",
		"a nickname, deprecated":                                 "not for onward",
		"onward: deprecated 2026-13-01":                          `"2026-13-01" is no date`,
		"onward: deprecated 2027-02-29":                          `"2027-02-29" is no date`,
		"onward: deprecated 1.11.2026":                           `"1.11.2026" is no date`,
		"onward: deprecated, remove after":                       `"" is no date`,
		"onward: remove after 2027-01-01":                        "does not say deprecated",
		"onward: deprecated, deprecated 2026-01-01":              "said twice",
		"onward: deprecated, removed soon":                       `"removed soon" is none of`,
		"onward: deprecated 2027-01-01, remove after 2026-01-01": "is before its deprecation on",
		"onward: deprecated, renamed to":                         "names no column",
		"onward: deprecatedly":                                   "is none of",
		"onward: split into first = split_part(name, ' ,  x', 1), \"Last One\"=(lower(name)), joined as first || ', ' || \"Last One\", deprecated": "[{first split_part(name, ' ,  x', 1)} {Last One (lower(name))}] first || ', ' || \"Last One\"",
		"onward: deprecated, split into first":               "is not COLUMN = VALUE",
		"onward: deprecated, split into a = b, a = c":        "said twice",
		"onward: deprecated, split into a = b c d":           "is no expression",
		"onward: deprecated, split into a = (SELECT 1)":      "is no expression",
		"onward: deprecated, joined as a":                    "is not split into",
		"onward: deprecated, renamed to a, split into b = c": "cannot be renamed to one column and split",
		"onward: deprecated, a = b":                          "is none of",
	} {
		d, ok, err := deprecation.ParseComment(text)
		got := d.Since + " " + d.RemoveAfter + " " + d.RenamedTo
		if d.Into != nil {
			got = fmt.Sprint(d.Into, " ", d.Joined)
		}
		switch {
		case err != nil:
			got = err.Error()
		case !ok:
			got = "not for onward"
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	f, err := pgparse.SplitText(`CREATE TABLE users (id int, nickname text, age int, old text);
COMMENT ON COLUMN users.nickname IS 'onward: deprecated, remove after 2027-02-01';
COMMENT ON COLUMN users.age IS 'onward: deprecated 2026-11-01';
COMMENT ON COLUMN users.old IS 'onward: deprecated tomorrow'`)
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.New()
	for i := range f.Stmts {
		c, _ = c.Apply(f.Stmts[i].Node, f.Src[f.Stmts[i].Start:f.Stmts[i].End])
	}
	list, errs := deprecation.ListDeprecations(c, map[string]string{"users.age": "deprecated, renamed to years", "shop.orders.Total": "deprecated 2026-01-01"})
	want := []deprecation.Deprecation{
		{Relation: "public.users", Column: "age", RenamedTo: "years", Configured: true},
		{Relation: "public.users", Column: "nickname", RemoveAfter: "2027-02-01"},
		{Relation: "shop.orders", Column: "Total", Since: "2026-01-01", Configured: true},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	if len(errs) != 1 || !strings.Contains(fmt.Sprint(errs), `users.old: "tomorrow" is no date`) {
		t.Errorf("ListDeprecations reports the errors %q, want one about users.old", errs)
	}
	if d := list[1]; d.IsOver("2027-02-01") || !d.IsOver("2027-02-02") || list[0].IsOver("2099-01-01") {
		t.Error("the last day is over too early, or too late")
	}
}

// TestNear: how many days are left, over months, leap days and years.
func TestNear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		today, last string
		within      int
		days        int
		near        bool
	}{
		{"2027-01-02", "2027-02-01", 30, 30, true},
		{"2027-01-01", "2027-02-01", 30, 31, false},
		{"2028-02-28", "2028-03-01", 2, 2, true},
		{"2027-02-28", "2027-03-01", 1, 1, true},
		{"2026-12-31", "2027-01-01", 1, 1, true},
		{"2027-02-01", "2027-02-01", 30, 0, true},
		{"2027-02-02", "2027-02-01", 30, 0, false},
		{"2027-02-02", "", 30, 0, false},
		{"", "2027-02-01", 30, 0, false},
		{"1999-12-31", "2100-03-01", 40000, 36585, true},
	} {
		d := deprecation.Deprecation{RemoveAfter: c.last}
		if days, isNear := d.Near(c.today, c.within); days != c.days || isNear != c.near {
			t.Errorf("the deprecation is %d days away, near: %t; want %+v", days, isNear, c)
		}
	}
}
