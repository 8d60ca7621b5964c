package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/usage"
	"github.com/onward-sql/onward/onward"
)

var (
	// mapperUpsert is a call of a mapper that makes ON CONFLICT.
	mapperUpsert = regexp.MustCompile(`\bonConflict\w*\s*\(|\bOnConflict\w*\s*[({]|\bon_conflict\w*\s*[(=:]|\bOn\("CONFLICT|->upsert\(|\b(?:insert_conflict|onDuplicateKeyUpdate|batchUpsert|UpsertRange|upsert_all|insert_all|bulkUpsert|orUpdate|updateOnDuplicate|ignoreDuplicates)\b`)
	// upsertCall is one that may be a function of the program's own, where it begins
	// with a capital.
	upsertCall = regexp.MustCompile(`(?:\b\w+\.(\w+))?\.([uU])psert(?:Many)?\s*\(`)
)

// method is the head of a function: a mapper's own, which it writes for each model.
var method = regexp.MustCompile(`^\s*(?:(?:export|public|private|static|async|pub)\s+)*(?:func|fun|fn|def|function)\b`)

// doesNothing is a call that makes ON CONFLICT DO NOTHING, which asks for no index.
var doesNothing = regexp.MustCompile(`\bonConflictDoNothing\(\s*\)|\bonConflict\(\s*\)\.ignore\(|\bOnConflict\{\s*DoNothing:\s*true\s*\}|\bOn\("CONFLICT DO NOTHING"|\bon_conflict:\s*:nothing\s*\)|\binsert_conflict\s*\(?\s*\)?\s*\.`)

// upserts answers the question whether the code says ON CONFLICT anywhere.
func (u *deployedCode) upserts() analysis.Usage {
	var found []usage.Use
	u.code().index.Upserting(func(p string, line int) {
		if len(found) < maxEvidence && !comment(u.code().line(p, line)) {
			found = append(found, usage.Use{Path: p, Line: line})
		}
	})
	return analysis.Usage{Known: len(found) > 0 || u.code().err == nil, Used: len(found) > 0, Evidence: u.evidence(found, maxEvidence)}
}

// upsertHits are the words of upserts in the files that have some.
func (u *deployedCode) upsertHits() map[string][]gitrange.Hit {
	if u.conflicts == nil {
		has := map[string]bool{}
		u.code().index.Upserting(func(p string, _ int) { has[p] = true })
		hits, _ := gitrange.Words(u.base, upserts, func(p string) bool { return !has[p] }) // what cannot be read says nothing
		u.conflicts = map[string][]gitrange.Hit{}
		for _, h := range hits {
			u.conflicts[h.Word] = append(u.conflicts[h.Word], h)
		}
	}
	return u.conflicts
}

// upserting looks for an INSERT into the table that says ON CONFLICT with these
// columns, or this constraint. It is not known where a mapper, or SQL that is put
// together as it runs, may say that.
func (u *deployedCode) upserting(q question) analysis.Usage {
	hits := u.upsertHits()
	want := strings.Split(strings.ToLower(q.Columns), ",")
	slices.Sort(want)
	said := u.conflictsSaid()
	out := analysis.Usage{Known: said.err == nil}
	u.bulkCreating(&out, q, want, hits)
	var likely, maybe []onward.Evidence
	for i := range said.all {
		c := &said.all[i]
		switch c.target {
		case byConstraint:
			if q.Constraint == "" || !strings.EqualFold(c.constraint, q.Constraint) {
				continue
			}
		case byColumns:
			if !slices.Equal(c.columns, want) {
				continue
			}
		}
		at := onward.Evidence{Kind: "code", Path: c.path, Line: c.line, Text: c.text, Revision: u.name}
		switch {
		case strings.EqualFold(c.into, q.Name.Name) && c.target != putTogether:
			out.Known, out.Used = true, true
			if len(out.Evidence) < maxEvidence {
				out.Evidence = append(out.Evidence, at)
			}
		case c.into == "" && c.target != putTogether:
			likely = append(likely, at)
		case c.into == "" || strings.EqualFold(c.into, q.Name.Name):
			maybe = append(maybe, at)
		}
	}
	if out.Used {
		return out
	}
	maybe = slices.Concat(likely, maybe, u.mapperUpserts(q, want, hits, said.spelled))
	out.Known = out.Known && len(maybe) == 0
	out.Evidence = maybe[:min(len(maybe), maxEvidence)]
	return out
}

// mapperUpserts are the calls of mappers that may say ON CONFLICT on the columns of
// the table: they stand in files that name it. Where the program spells its SQL, its
// own functions are called Upsert.
func (u *deployedCode) mapperUpserts(q question, want []string, hits map[string][]gitrange.Hit, spelled bool) []onward.Evidence {
	words := tableWords(q.Name.Name)
	calls := map[string][]gitrange.Hit{}
	var files []string
	for _, h := range pick(hits, upserts) {
		if comment(h.Text) || !mayCall(h.Text, words, spelled) {
			continue
		}
		if calls[h.Path] == nil {
			files = append(files, h.Path)
		}
		calls[h.Path] = append(calls[h.Path], h)
	}
	texts, err := u.base.ReadAll(files)
	var out []onward.Evidence
	for _, f := range files {
		text := string(texts[f])
		if err == nil && !slices.ContainsFunc(words, func(w string) bool { return names(text, w) }) {
			continue
		}
		for _, h := range calls[f] {
			if err != nil || !ofOther(text, h.Line, words) && !aimsElsewhere(text, h.Line, want) {
				out = append(out, onward.Evidence{Kind: "code", Path: f, Line: h.Line, Text: h.Text, Revision: u.name})
				break
			}
		}
	}
	return out
}

// builder is where ent begins to write rows of a model: client.Referrer.Create().
var builder = regexp.MustCompile(`\.(\w+)\.(?:Create|CreateBulk|MapCreateBulk)\(`)

// builderReach is how many lines before its OnConflict that stands.
const builderReach = 20

// ofOther reports whether the rows that a call in a line is about are of another model:
// they were begun a few lines before.
func ofOther(text string, line int, words []string) bool {
	lines := strings.SplitN(text, "\n", line+1)
	lines = lines[:min(line, len(lines))]
	for i := len(lines) - 1; i >= max(0, len(lines)-builderReach); i-- {
		if m := builder.FindStringSubmatch(lines[i]); m != nil {
			return !slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, m[1]) })
		}
	}
	return false
}

// mapperTargets are calls that spell the columns of the conflict: knex', Kysely's,
// SQLAlchemy's, GORM's, Ecto's and Sequel's.
var (
	mapperTargets = []*regexp.Regexp{
		regexp.MustCompile(`\bonConflict\(\s*\[?\s*((?:['"]\w+['"]\s*,?\s*)+)\]?\s*\)`),
		regexp.MustCompile(`\bonConflict\(\s*\(?\w+\)?\s*=>\s*\w+\s*\.columns?\(\s*\[?\s*((?:['"]\w+['"]\s*,?\s*)+)\]?\s*\)`),
		regexp.MustCompile(`\bon_conflict_do_(?:update|nothing)\(\s*index_elements\s*=\s*[\[(]\s*((?:['"]\w+['"]\s*,?\s*)+)[\])]`),
		regexp.MustCompile(`\bOnConflict\{\s*Columns:\s*\[\]clause\.Column\{((?:\s*\{\s*Name:\s*"\w+"\s*\}\s*,?)+)\s*\}`),
		regexp.MustCompile(`\bon_conflict:[^\n]*(?:\n[^\n]*){0,3}?\bconflict_target:\s*\[?\s*((?::\w+\s*,?\s*)+)`),
		regexp.MustCompile(`\binsert_conflict\(?\s*target:\s*\[?\s*((?::\w+\s*,?\s*)+)`),
	}
	quotedName = regexp.MustCompile(`['"](\w+)['"]|:(\w+)`)
)

// aimsElsewhere reports whether the call on a line of a text spells its target, and
// other columns than these.
func aimsElsewhere(text string, line int, want []string) bool {
	for range line - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	text = text[:min(len(text), targetReach)]
	first, _, _ := strings.Cut(text, "\n")
	for _, call := range mapperTargets {
		m := call.FindStringSubmatchIndex(text)
		if m == nil || m[0] > len(first) {
			continue
		}
		var target []string
		for _, name := range quotedName.FindAllStringSubmatch(text[m[2]:m[3]], -1) {
			target = append(target, strings.ToLower(name[1]+name[2]))
		}
		slices.Sort(target)
		return !slices.Equal(target, want)
	}
	return false
}

// mayCall reports whether a line calls a mapper's upsert, and names no other model:
// prisma.user.upsert is one of users.
func mayCall(line string, words []string, spelled bool) bool {
	if mapperUpsert.MatchString(line) {
		return !method.MatchString(line) && !doesNothing.MatchString(line)
	}
	m := upsertCall.FindStringSubmatch(line)
	if m == nil || m[2] == "U" && spelled {
		return false
	}
	return m[1] == "" || slices.ContainsFunc(words, func(w string) bool {
		rest, ok := strings.CutPrefix(strings.ToLower(m[1]), strings.ToLower(w))
		return ok && slices.Contains(keepers, rest)
	})
}

// keepers is what the name of a model's keeper has behind the model's: userRepo.
var keepers = []string{"", "s", "repo", "repository", "model", "table", "store", "service", "dao", "entity", "mapper"}

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
func (u *deployedCode) bulkCreating(out *analysis.Usage, q question, want []string, hits map[string][]gitrange.Hit) {
	columns := map[string]map[string]string{} // class → field → column
	models, _ := u.models(q.database)
	for _, m := range models {
		if !maps(m.Table, catalog.Name{Schema: "public", Name: q.Name.Name}) {
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
