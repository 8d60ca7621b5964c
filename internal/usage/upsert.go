package usage

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// Mappers have words of their own for ON CONFLICT: each call is noted with the columns
// that it spells, and with what tells whose rows it is about.

var (
	// upsertSigns are what code has in it that may be such a call; an HTTP conflict is none.
	upsertSigns = [][]byte{[]byte("onflict"), []byte("psert"), []byte("insert_all"), []byte("orUpdate"), []byte("OnDuplicate"), []byte("onDuplicate"), []byte("ignoreDuplicates"), []byte(`On("CONFLICT`)}
	// mapperUpsert is a call of a mapper that makes ON CONFLICT.
	mapperUpsert = regexp.MustCompile(`\bonConflict\w*\s*\(|\bOnConflict\w*\s*[({]|\bon_conflict\w*\s*[(=:]|\bOn\("CONFLICT|->upsert\(|\b(?:insert_conflict|onDuplicateKeyUpdate|batchUpsert|UpsertRange|upsert_all|insert_all|bulkUpsert|orUpdate|updateOnDuplicate|ignoreDuplicates)\b`)
	// upsertCall is one that may be a function of the program's own, where it begins
	// with a capital.
	upsertCall = regexp.MustCompile(`(?:\b\w+\.(\w+))?\.([uU])psert(?:Many)?\s*\(`)
	// method is the head of a function: a mapper's own, which it writes for each model.
	method = regexp.MustCompile(`^(?:(?:export|public|private|static|async|pub)\s+)*(?:func|fun|fn|def|function)\b`)
	// doesNothing is a call that makes ON CONFLICT DO NOTHING, which asks for no index.
	doesNothing = regexp.MustCompile(`\bonConflictDoNothing\(\s*\)|\bonConflict\(\s*\)\.ignore\(|\bOnConflict\{\s*DoNothing:\s*true\s*\}|\bOn\("CONFLICT DO NOTHING"|\bon_conflict:\s*:nothing\s*\)|\binsert_conflict\s*\(?\s*\)?\s*\.`)
	// builder is where ent begins to write rows of a model: client.Referrer.Create().
	builder = regexp.MustCompile(`\.(\w+)\.(?:Create|CreateBulk|MapCreateBulk)\(`)
	// targets are calls that spell the columns of the conflict: knex', Kysely's,
	// SQLAlchemy's, GORM's, Ecto's and Sequel's.
	targets = []*regexp.Regexp{
		regexp.MustCompile(`\bonConflict\(\s*\[?\s*((?:['"]\w+['"]\s*,?\s*)+)\]?\s*\)`),
		regexp.MustCompile(`\bonConflict\(\s*\(?\w+\)?\s*=>\s*\w+\s*\.columns?\(\s*\[?\s*((?:['"]\w+['"]\s*,?\s*)+)\]?\s*\)`),
		regexp.MustCompile(`\bon_conflict_do_(?:update|nothing)\(\s*index_elements\s*=\s*[\[(]\s*((?:['"]\w+['"]\s*,?\s*)+)[\])]`),
		regexp.MustCompile(`\bOnConflict\{\s*Columns:\s*\[\]clause\.Column\{((?:\s*\{\s*Name:\s*"\w+"\s*\}\s*,?)+)\s*\}`),
		regexp.MustCompile(`\bon_conflict:[^\n]*(?:\n[^\n]*){0,3}?\bconflict_target:\s*\[?\s*((?::\w+\s*,?\s*)+)`),
		regexp.MustCompile(`\bunique_by:\s*\[?\s*((?::\w+\s*,?\s*)+)`), // ActiveRecord's
		regexp.MustCompile(`\binsert_conflict\(?\s*target:\s*\[?\s*((?::\w+\s*,?\s*)+)`),
	}
	// targetName are calls that name the constraint: SQLAlchemy's and Kysely's.
	targetName = regexp.MustCompile(`\bon_conflict_do_(?:update|nothing)\(\s*constraint\s*=\s*['"](\w+)['"]|\bonConflict\(\s*\(?\w+\)?\s*=>\s*\w+\s*\.constraint\(\s*['"](\w+)['"]`)
	// into names the table whose rows a chain of calls writes: knex' and Kysely's.
	into       = regexp.MustCompile(`\b(?:db|trx|tx|\w*[kK]nex)\(\s*['"](\w+)['"]\s*\)|\.(?:insertInto|into)\(\s*['"](\w+)['"]\s*\)`)
	quotedName = regexp.MustCompile(`['"](\w+)['"]|:(\w+)`)
	// bulkCreate is Django's INSERT … ON CONFLICT DO UPDATE; uniqueFields are its target.
	bulkCreate   = regexp.MustCompile(`\b(\w+)\.\w+\.(?:using\([^()]*\)\.)?a?bulk_create\(`)
	uniqueFields = regexp.MustCompile(`\bunique_fields\s*=\s*[\[({]([^\])}]*)[\])}]`)
)

const (
	// targetReach is how far behind a call its target is, at most.
	targetReach = 1 << 10
	// upsertAbove is how many lines in front of a call say what it is about.
	upsertAbove = 20
)

// upserts notes the calls of mappers that make ON CONFLICT. Only lines with a sign are
// looked at.
func (r *reader) upserts() {
	if r.d == nil {
		return
	}
	var found []int // where their lines begin
	for _, sign := range upsertSigns {
		for from := 0; ; {
			n := bytes.Index(r.text[from:], sign)
			if n < 0 {
				break
			}
			found = append(found, bytes.LastIndexByte(r.text[:from+n], '\n')+1)
			from += n + lineEnd(r.text[from+n:])
		}
	}
	slices.Sort(found)
	for _, start := range slices.Compact(found) {
		if u := r.upsert(start); u != nil {
			r.facts.Upserts = append(r.facts.Upserts, *u)
		}
	}
	if r.d == python && bytes.Contains(r.text, []byte("update_conflicts")) {
		r.bulkCreates()
	}
}

// upsert is the call in a line; nil for none.
func (r *reader) upsert(start int) *MapperUpsert {
	rest := r.text[start:min(len(r.text), start+targetReach)]
	line := rest[:lineEnd(rest)]
	u := &MapperUpsert{Line: r.lineAt(start)}
	u.Open = true
	at := mapperUpsert.FindIndex(line)
	if at == nil {
		m := upsertCall.FindSubmatchIndex(line)
		if m == nil {
			return nil
		}
		at = m[4:6]
		u.Own = line[m[4]] == 'U'
		if m[2] >= 0 {
			u.Model, u.Keeper = string(line[m[2]:m[3]]), true
		}
	} else if method.Match(bytes.TrimSpace(line)) || doesNothing.Match(line) {
		return nil
	}
	if r.inLiteral(start+at[0]) || within(r.notes, start+at[0]) {
		return nil
	}
	for _, call := range targets {
		if m := call.FindSubmatchIndex(rest); m != nil && m[0] <= len(line) {
			u.Open, u.Columns = false, quotedNames(rest[m[2]:m[3]])
			break
		}
	}
	if m := targetName.FindSubmatchIndex(rest); u.Open && m != nil && m[0] <= len(line) {
		u.Open, u.Constraint = false, r.group(shifted(m, start), 1)+r.group(shifted(m, start), 2)
	}
	if len(u.Columns) == 1 && strings.HasPrefix(u.Columns[0], "index_") {
		u.Open = true // ActiveRecord takes the name of an index, too
	}
	above := start
	for range upsertAbove {
		above = bytes.LastIndexByte(r.text[:max(above-1, 0)], '\n') + 1
	}
	if list := builder.FindAllSubmatch(r.text[above:start+len(line)], -1); len(list) > 0 && u.Model == "" {
		u.Model = string(list[len(list)-1][1])
	}
	chain := r.text[above : start+at[0]]
	if list := into.FindAllSubmatchIndex(chain, -1); len(list) > 0 {
		m := list[len(list)-1]
		if !bytes.ContainsRune(chain[m[1]:], ';') {
			u.Table = r.group(shifted(m, above), 1) + r.group(shifted(m, above), 2)
		}
	}
	u.Words = wordsOf(r.text[above:r.callEnd(start+len(line))])
	return u
}

// shifted are the places of a match in a text that begins at an offset.
func shifted(m []int, by int) []int {
	out := slices.Clone(m)
	for i := range out {
		if out[i] >= 0 {
			out[i] += by
		}
	}
	return out
}

// wordsOf are the names in a text, each once, the last ones first.
func wordsOf(text []byte) []uint32 {
	var out []uint32
	for i := len(text); i > 0 && len(out) < maxWords; {
		to := i
		for i > 0 && nameByte[text[i-1]] {
			i--
		}
		if w := Mark(string(text[i:to])); i < to && !slices.Contains(out, w) {
			out = append(out, w)
		}
		if i == to {
			i--
		}
	}
	return out
}

// quotedNames are the names of a list of texts or symbols.
func quotedNames(list []byte) []string {
	var out []string
	for _, m := range quotedName.FindAllSubmatch(list, -1) {
		out = append(out, strings.ToLower(string(m[1])+string(m[2])))
	}
	return out
}

// bulkCreates notes Django's, which have the names of fields.
func (r *reader) bulkCreates() {
	for _, m := range bulkCreate.FindAllSubmatchIndex(r.text, -1) {
		given := uniqueFields.FindSubmatch(r.text[m[1]:min(len(r.text), m[1]+targetReach)])
		if given == nil || r.inLiteral(m[0]) || within(r.notes, m[0]) {
			continue
		}
		u := MapperUpsert{Line: r.lineAt(m[0]), Model: r.group(m, 1), Fields: true}
		for f := range strings.SplitSeq(strings.TrimRight(strings.TrimSpace(string(given[1])), ","), ",") {
			u.Columns = append(u.Columns, strings.ToLower(strings.Trim(f, " \t\r\n\"'")))
		}
		r.facts.Upserts = append(r.facts.Upserts, u)
	}
}
