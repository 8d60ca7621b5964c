package page

import (
	"fmt"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules/queries"
)

// parseRecorded reads the fixture of a rule on recordings: each example is a small recording,
// shown as the queries that it has.
func parseRecorded(r *rule.Rule) (*Page, error) {
	fixture, ok := queries.Fixture(r.ID)
	if !ok {
		return nil, fmt.Errorf("%s: there is no fixture", r.ID)
	}
	p := &Page{Rule: r, Recorded: true}
	archive := txtar.Parse(fixture)
	for line := range strings.SplitSeq(string(archive.Comment), "\n") {
		switch key, value, _ := strings.Cut(line, ": "); key {
		case "soft_delete":
			p.Notes = append(p.Notes, "onward.yaml has `soft_delete: {"+strings.Replace(value, " ", ": ", 1)+"}`.")
		case "rows":
			table, n, _ := strings.Cut(value, " ")
			p.Notes = append(p.Notes, strings.TrimPrefix(table, "public.")+" is known to have "+n+" rows.")
		}
	}
	for _, file := range archive.Files {
		name, isRecording := strings.CutSuffix(file.Name, ".json")
		switch {
		case file.Name == "schema.sql":
			p.Before = cleanExample(string(file.Data))
		case file.Name == "head.sql":
			p.Notes = append(p.Notes, "The release runs `"+strings.Join(strings.Fields(string(file.Data)), " ")+"`")
		case isRecording:
			text, err := queries.FormatRecording(file.Data)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", r.ID, file.Name, err)
			}
			kind, rest, _ := strings.Cut(name, "-")
			p.Examples = append(p.Examples, Example{Kind: Kind(kind), Name: strings.ReplaceAll(rest, "-", " "), SQL: text})
		default:
			return nil, fmt.Errorf("%s: section %s is not one of schema.sql, head.sql, *.json", r.ID, file.Name)
		}
	}
	return p, nil
}
