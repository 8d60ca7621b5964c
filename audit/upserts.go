package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// upsert reports a question of rule.Pass.UpsertsOn.
func (q question) upsert() bool { return q.table.Schema == rule.Upsert.Name }

var (
	// conflictTarget is ON CONFLICT in SQL, as a text in code has it: over
	// several lines, or as several texts that are joined.
	conflictTarget = regexp.MustCompile(`(?i)\bon[\s"'+\\]+conflict[\s"'+\\]+(?:\(([^()]*)\)|on[\s"'+\\]+constraint[\s"'+\\]+(\w+))`)
	insertInto     = regexp.MustCompile(`(?i)\binsert[\s"'+\\]+into[\s"'+\\]+((?:[\w"\\]+\.)?[\w"\\]+)`)
)

// upsertReach is how far before its ON CONFLICT an INSERT begins.
const upsertReach = 8 << 10

// upserting looks in the files that say ON CONFLICT for an INSERT into the table
// with these conflict columns, or this constraint.
func (u *usage) upserting(q question, hits map[string][]gitrange.Hit) rule.Usage {
	columns, constraint, _ := strings.Cut(q.column, "/")
	want := strings.Split(strings.ToLower(columns), ",")
	slices.Sort(want)
	var paths []string
	for _, h := range pick(hits, upserts) {
		if onConflict.MatchString(h.Text) && !slices.Contains(paths, h.Path) {
			paths = append(paths, h.Path)
		}
	}
	texts, err := u.inserting(paths)
	out := rule.Usage{Known: err == nil}
	if u.modelled {
		u.bulkCreating(&out, q, want, hits)
	}
	for _, file := range paths {
		text := texts[file]
		for _, m := range conflictTarget.FindAllStringSubmatchIndex(text, -1) {
			if m[4] >= 0 {
				if constraint == "" || !strings.EqualFold(text[m[4]:m[5]], constraint) {
					continue
				}
			} else if !slices.Equal(targets(text[m[2]:m[3]]), want) {
				continue
			}
			before := text[max(0, m[0]-upsertReach):m[0]]
			into := insertInto.FindAllStringSubmatch(before, -1)
			if len(into) == 0 || !strings.EqualFold(relation(into[len(into)-1][1]), q.table.Name) {
				continue
			}
			said, line := lineAt(text, m[0])
			if comment(said) {
				continue
			}
			out.Known, out.Used = true, true
			if len(out.Evidence) < maxEvidence {
				out.Evidence = append(out.Evidence, onward.Evidence{Kind: "code", Path: file, Line: line, Text: said, Revision: u.name})
			}
		}
	}
	return out
}

// bulkCreate is Django's INSERT … ON CONFLICT DO UPDATE; uniqueFields are its target.
var (
	bulkCreate   = regexp.MustCompile(`\b(\w+)\.\w+\.(?:using\([^()]*\)\.)?a?bulk_create\(`)
	uniqueFields = regexp.MustCompile(`\bunique_fields\s*=\s*[\[({]([^\])}]*)[\])}]`)
)

// bulkCreateReach is how far behind its name the arguments of bulk_create are looked
// for.
const bulkCreateReach = 1 << 10

// bulkCreating looks for a bulk_create of the table's model that updates what
// conflicts on these columns.
func (u *usage) bulkCreating(out *rule.Usage, q question, want []string, hits map[string][]gitrange.Hit) {
	columns := map[string]map[string]string{} // class → field → column
	for _, m := range u.models {
		if !maps(m.Table, catalog.Name{Schema: "public", Name: q.table.Name}) {
			continue
		}
		fields := map[string]string{}
		for _, c := range m.Columns {
			fields[strings.ToLower(c.Field)], fields[c.Column] = c.Column, c.Column
			if c.Column == "id" {
				fields["pk"] = c.Column
			}
		}
		columns[m.Name[strings.LastIndexByte(m.Name, '.')+1:]] = fields
	}
	var paths []string
	for _, h := range hits["update_conflicts"] {
		paths = append(paths, h.Path)
	}
	texts, err := u.base.ReadAll(slices.Compact(paths))
	if len(columns) == 0 || err != nil {
		return
	}
	for _, file := range slices.Compact(paths) {
		text := string(texts[file])
		for _, m := range bulkCreate.FindAllStringSubmatchIndex(text, -1) {
			fields := columns[text[m[2]:m[3]]]
			given := uniqueFields.FindStringSubmatch(text[m[1]:min(len(text), m[1]+bulkCreateReach)])
			if fields == nil || given == nil {
				continue
			}
			var target []string
			for f := range strings.SplitSeq(strings.TrimRight(strings.TrimSpace(given[1]), ","), ",") {
				target = append(target, fields[strings.ToLower(strings.Trim(f, " \t\r\n\"'"))])
			}
			slices.Sort(target)
			said, line := lineAt(text, m[0])
			if !slices.Equal(target, want) || comment(said) {
				continue
			}
			out.Known, out.Used = true, true
			if len(out.Evidence) < maxEvidence {
				out.Evidence = append(out.Evidence, onward.Evidence{Kind: "code", Path: file, Line: line, Text: said, Revision: u.name})
			}
		}
	}
}

// targets are the columns of a conflict target, sorted. An expression is its
// own text, which no column has.
func targets(list string) []string {
	var out []string
	for c := range strings.SplitSeq(list, ",") {
		out = append(out, strings.ToLower(strings.Trim(c, " \t\r\n\"`\\")))
	}
	slices.Sort(out)
	return out
}

// relation is the name of a table without its schema and quotes.
func relation(name string) string {
	name = strings.NewReplacer(`"`, "", `\`, "").Replace(name)
	return name[strings.LastIndexByte(name, '.')+1:]
}
