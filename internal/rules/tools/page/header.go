package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// readHeader reads what the page shows of a fixture's header; the rest of it is
// for tests.
func (p *Page) readHeader(key, value string) error {
	switch key {
	case "pg":
		judged, _, err := ParseVersions(value)
		if err != nil {
			return err
		}
		p.Postgres = judged
	case "claim":
		fields := strings.Fields(value)
		if len(fields) < 3 {
			return fmt.Errorf("a claim has relation, lock and work")
		}
		c := Claim{Relation: fields[0], Work: fields[2]}
		if err := c.Lock.UnmarshalText([]byte(fields[1])); err != nil {
			return err
		}
		p.Claims = append(p.Claims, c)
	case "today":
		p.Notes = append(p.Notes, "Today is "+value+".")
	case "deprecated":
		column, words, _ := strings.Cut(value, " ")
		p.Notes = append(p.Notes, "onward.yaml has `deprecated: {"+column+": \""+words+"\"}`.")
	case "contract":
		p.Notes = append(p.Notes, "The ledger of the database has a plan whose contract will run `"+value+"`.")
	case "transaction":
		switch value {
		case "file":
			p.Notes = append(p.Notes, "The examples run in one transaction each, opened by the migration tool.")
		case "message":
			p.Notes = append(p.Notes, "The migration tool sends each example as one message, which Postgres runs as one transaction.")
		case "pipeline":
			p.Notes = append(p.Notes, "The migration tool sends each example in one pipeline, which is one transaction.")
		}
	case "runner":
		p.Notes = append(p.Notes, "The migration tool sets "+strings.ReplaceAll(value, "=", " = ")+".")
	case "uses":
		p.Notes = append(p.Notes, formatUsesNote(value))
	case "fails":
		p.Notes = append(p.Notes, "The server refuses what is flagged (SQLSTATE "+value+").")
	case "old":
		p.Notes = append(p.Notes, "The deployed code runs `"+value+"`: it works before, fails after the first example, and works after the safe version.")
		p.Old = append(p.Old, value)
	case "unused":
		p.Notes = append(p.Notes, "Nothing in the deployed code uses "+describeQuestions(value)+".")
	}
	return nil
}

// ParseVersions reads the value of a pg header: "13..17", "13" or "15..", which is 15 and all later ones. A server may be the
// preview, too; without a name of its own that is not judged.
func ParseVersions(value string) (judged, servers []int, err error) {
	lo, hi, ok := strings.Cut(value, "..")
	if !ok {
		hi = lo
	}
	from, err := strconv.Atoi(lo)
	to, last := onward.NewestMajor, onward.PreviewMajor
	if hi != "" && err == nil {
		to, err = strconv.Atoi(hi)
		last = to
	}
	if err != nil || from < onward.OldestMajor || to > onward.PreviewMajor || from > to {
		return nil, nil, fmt.Errorf("pg: %q is no range within %d..%d", value, onward.OldestMajor, onward.PreviewMajor)
	}
	return ListMajors(from, to), ListMajors(from, last), nil
}

// ListMajors lists the major versions from one to another.
func ListMajors(from, to int) (out []int) {
	for v := from; v <= to; v++ {
		out = append(out, v)
	}
	return out
}

// formatUsesNote says what the code of the examples uses.
func formatUsesNote(value string) string {
	if column, adds := strings.CutPrefix(value, "adds."); adds {
		return "The new code adds a use of " + column + "."
	}
	return "The deployed code uses " + describeQuestions(value) + "."
}

// describeQuestions says what a list of questions to the deployed code is about: tables and
// columns, and what rules ask of them besides.
func describeQuestions(list string) string {
	var out []string
	for _, f := range strings.Fields(list) {
		switch {
		case strings.HasPrefix(f, "*."):
			table, added, _ := strings.Cut(f[2:], ".")
			f = "all columns of " + table + " at once"
			if added != "" {
				f += ", without one for " + added
			}
		case strings.HasPrefix(f, "=."):
			if parts := strings.Split(f[2:], "="); len(parts) == 3 {
				f = "'" + parts[1] + "' of " + parts[0] + ", and not '" + parts[2] + "'"
			}
		}
		out = append(out, f)
	}
	sep := ", "
	if slices.ContainsFunc(out, func(f string) bool { return strings.Contains(f, sep) }) {
		sep = "; "
	}
	return strings.Join(out, sep)
}
