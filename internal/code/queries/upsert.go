package queries

import (
	"bytes"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Mappers have calls of their own for ON CONFLICT. Each call is recorded with the columns
// that it spells out, and with names that show its table.

var (
	// upsertSigns are texts in code that may be such a call; an HTTP conflict is none.
	upsertSigns = lexer.NewWords("onflict", "psert", "insert_all", "orUpdate", "OnDuplicate", "onDuplicate", "on_duplicate_key", "ignoreDuplicates",
		`On("CONFLICT`)
	// mapperUpsert matches a call of a mapper that produces ON CONFLICT.
	mapperUpsert = lazyregexp.New(`\bonConflict\w*\s*\(|\bOnConflict\w*\s*[({]|\bon_conflict\w*\s*[(=:]|\bOn\("CONFLICT|->upsert\(|\bon_duplicate_key_(?:update|ignore)(?::|\s*=>)|\b(?:insert_conflict|onDuplicateKeyUpdate|batchUpsert|UpsertRange|upsert_all|insert_all|bulkUpsert|orUpdate|updateOnDuplicate|ignoreDuplicates)\b`)
	// upsertCall matches a call that may be a function of the program's own, if it begins
	// with a capital.
	upsertCall = lazyregexp.New(`(?:\b\w+\.(\w+))?\.([uU])psert(?:Many)?\s*\(`)
	// method matches the head of a function: one that a mapper generates for each model.
	method = lazyregexp.New(`^(?:(?:export|public|private|static|async|pub)\s+)*(?:func|fun|fn|def|function)\b`)
	// doesNothing matches a call that produces ON CONFLICT DO NOTHING without a target,
	// which needs no index.
	doesNothing = lazyregexp.New(`\bonConflictDoNothing\(\s*\)|\bonConflict\(\s*\)\.ignore\(|\bOnConflict\{\s*DoNothing:\s*true\s*\}|\bOn\("CONFLICT DO NOTHING"|\bon_conflict:\s*:nothing\s*\)|\binsert_conflict\s*\(?\s*\)?\s*\.`)
	// builder matches a call with which ent begins to write rows of a model:
	// client.Referrer.Create().
	builder = lazyregexp.New(`\.(\w+)\.(?:Create|CreateBulk|MapCreateBulk)\(`)
	// importTarget matches the target of activerecord-import's on_duplicate_key_update and _ignore, defaultTarget a value of theirs without one:
	// the conflict is on the primary key then, or on any.
	importTarget  = lazyregexp.New(`\b(?:conflict_target|constraint_name)\b`)
	defaultTarget = lazyregexp.New(`^\s*(?:true|:all|\[|%[iIwW]|\{)`)
	// targets match calls that spell out the columns of the conflict: knex, Kysely,
	// SQLAlchemy, GORM, Ecto, activerecord-import and Sequel.
	targets = []*lazyregexp.Regexp{
		lazyregexp.New(`\bonConflict\(\s*\[?\s*((?:['"]\w+['"]\s*,?\s*)+)\]?\s*\)`),
		lazyregexp.New(`\bonConflict\(\s*\(?\w+\)?\s*=>\s*\w+\s*\.columns?\(\s*\[?\s*((?:['"]\w+['"]\s*,?\s*)+)\]?\s*\)`),
		lazyregexp.New(`\bon_conflict_do_(?:update|nothing)\(\s*index_elements\s*=\s*[\[(]\s*((?:['"]\w+['"]\s*,?\s*)+)[\])]`),
		lazyregexp.New(`\bOnConflict\{\s*Columns:\s*\[\]clause\.Column\{((?:\s*\{\s*Name:\s*"\w+"\s*\}\s*,?)+)\s*\}`),
		lazyregexp.New(`\b(?:on_conflict|on_duplicate_key_\w+):[^\n]*(?:\n[^\n]*){0,3}?\bconflict_target:\s*` + symbols),
		lazyregexp.New(`\bunique_by:\s*` + symbols), // ActiveRecord's
		lazyregexp.New(`\binsert_conflict\(?\s*target:\s*` + symbols),
	}
	// targetName matches calls that name the constraint: SQLAlchemy, Kysely and activerecord-import.
	targetName = lazyregexp.New(`\bon_conflict_do_(?:update|nothing)\(\s*constraint\s*=\s*['"](\w+)['"]|\bonConflict\(\s*\(?\w+\)?\s*=>\s*\w+\s*\.constraint\(\s*['"](\w+)['"]|\bon_duplicate_key_\w+:\s*\{\s*constraint_name:\s*[:'"]+(\w+)`)
	// insertTarget matches the table whose rows a chain of calls writes: knex and Kysely.
	insertTarget = lazyregexp.New(`\b(?:db|trx|tx|\w*[kK]nex)\(\s*['"](\w+)['"]\s*\)|\.(?:insertInto|into)\(\s*['"](\w+)['"]\s*\)`)
	quotedName   = lazyregexp.New(`['"](\w+)['"]|:(\w+)`)
	// bulkCreate matches Django's INSERT … ON CONFLICT DO UPDATE; uniqueFields are its
	// target.
	bulkCreate   = lazyregexp.New(`\b(\w+)\.\w+\.(?:using\([^()]*\)\.)?a?bulk_create\(`)
	uniqueFields = lazyregexp.New(`\bunique_fields\s*=\s*[\[({]([^\])}]*)[\])}]`)
)

// symbols matches one name or several in Ruby or Elixir: :a, [:a, :b], %i[a b], ["a"].
const symbols = `(?:%[iIwW][\[({]([\w\s]+)[\])}]|\[?\s*((?::\w+\s*,?\s*)+)|\[\s*((?:['"]\w+['"]\s*,?\s*)+))`

const (
	// targetReach is how many bytes after a call are searched for its target.
	targetReach = 1 << 10
	// upsertAbove is how many lines before a call are searched for the names of its table.
	upsertAbove = 20
)

// RecordUpserts records the calls of mappers that produce ON CONFLICT. It searches only lines with
// a sign.
func RecordUpserts(r *source.File) {
	if r.Language == nil {
		return
	}
	end := 0 // of the line before
	upsertSigns.Each(r.Text, func(offset int, _ string) bool {
		if offset >= end {
			end = offset + lexer.LineEnd(r.Text[offset:])
			if u := readUpsert(r, bytes.LastIndexByte(r.Text[:offset], '\n')+1); u != nil {
				r.Facts.Upserts = append(r.Facts.Upserts, *u)
			}
		}
		return true
	})
	if r.Language == lexer.Python && bytes.Contains(r.Text, []byte("update_conflicts")) {
		recordBulkCreates(r)
	}
}

// readUpsert returns the call in a line; nil for none.
func readUpsert(r *source.File, start int) *facts.MapperUpsert {
	rest := r.Text[start:min(len(r.Text), start+targetReach)]
	line := rest[:lexer.LineEnd(rest)]
	u := &facts.MapperUpsert{Line: r.LineAt(start)}
	u.Open = true
	span := mapperUpsert.FindIndex(line)
	switch {
	case span == nil || r.Language != lexer.Ruby:
	case bytes.HasPrefix(line[span[0]:], []byte("on_conflict")):
		span = nil // no mapper has it in Ruby; a queue has it, for a job that is there already
	case bytes.HasPrefix(line[span[0]:], []byte("on_duplicate_key")) && defaultTarget.Match(rest[span[1]:]) && !importTarget.Match(rest[span[1]:]):
		return nil
	}
	if span == nil {
		m := upsertCall.FindSubmatchIndex(line)
		if m == nil {
			return nil
		}
		span = m[4:6]
		u.Own = line[m[4]] == 'U'
		if m[2] >= 0 {
			u.Model, u.Keeper = string(line[m[2]:m[3]]), true
		}
	} else if method.Match(bytes.TrimSpace(line)) || doesNothing.Match(line) {
		return nil
	}
	if r.IsInString(start+span[0]) || lexer.IsInSpans(r.Comments, start+span[0]) {
		return nil
	}
	end := len(line) // of the call: its target may be the last of its arguments, some lines on
	if bytes.HasPrefix(line[span[1]:], []byte("(")) {
		end = max(end, r.FindClosing(start+span[1]+1, start+len(rest))-start)
	}
	for _, call := range targets {
		m := call.FindSubmatchIndex(rest)
		if m == nil || m[0] > end {
			continue
		}
		for group := 2; u.Open; group += 2 {
			if m[group] >= 0 {
				u.Open, u.Columns = false, listNames(rest[m[group]:m[group+1]])
			}
		}
		break
	}
	if m := targetName.FindSubmatchIndex(rest); u.Open && m != nil && m[0] <= len(line) {
		m = shiftPositions(m, start)
		u.Open, u.Constraint = false, r.GroupText(m, 1)+r.GroupText(m, 2)+r.GroupText(m, 3)
	}
	if len(u.Columns) == 1 && strings.HasPrefix(u.Columns[0], "index_") {
		u.Open = true // ActiveRecord accepts the name of an index, too
	}
	chainStart := start
	for range upsertAbove {
		chainStart = bytes.LastIndexByte(r.Text[:max(chainStart-1, 0)], '\n') + 1
	}
	if list := builder.FindAllSubmatch(r.Text[chainStart:start+len(line)], -1); len(list) > 0 && u.Model == "" {
		u.Model = string(list[len(list)-1][1])
	}
	chain := r.Text[chainStart : start+span[0]]
	if list := insertTarget.FindAllSubmatchIndex(chain, -1); len(list) > 0 {
		m := list[len(list)-1]
		if !bytes.ContainsRune(chain[m[1]:], ';') {
			u.Table = r.GroupText(shiftPositions(m, chainStart), 1) + r.GroupText(shiftPositions(m, chainStart), 2)
		}
	}
	u.Words = wordsOf(r.Text[chainStart:r.FindCallEnd(start+len(line))])
	return u
}

// shiftPositions adds an offset to the positions of a match.
func shiftPositions(m []int, offset int) []int {
	out := slices.Clone(m)
	for i := range out {
		if out[i] >= 0 {
			out[i] += offset
		}
	}
	return out
}

// wordsOf returns the names in a text, each once, the last ones first.
func wordsOf(text []byte) []uint32 {
	var out []uint32
	for i := len(text); i > 0 && len(out) < source.MaxWords; {
		to := i
		for i > 0 && lexer.NameByte[text[i-1]] {
			i--
		}
		if w := facts.HashText(string(text[i:to])); i < to && !slices.Contains(out, w) {
			out = append(out, w)
		}
		if i == to {
			i--
		}
	}
	return out
}

// listNames returns the names in a list of texts, of symbols, or of words alone.
func listNames(list []byte) []string {
	if !bytes.ContainsAny(list, `'":`) {
		return strings.Fields(strings.ToLower(string(list)))
	}
	var out []string
	for _, m := range quotedName.FindAllSubmatch(list, -1) {
		out = append(out, strings.ToLower(string(m[1])+string(m[2])))
	}
	return out
}

// recordBulkCreates records Django's calls, which name fields instead of columns.
func recordBulkCreates(r *source.File) {
	for _, m := range bulkCreate.FindAllSubmatchIndex(r.Text, -1) {
		fieldList := uniqueFields.FindSubmatch(r.Text[m[1]:min(len(r.Text), m[1]+targetReach)])
		if fieldList == nil || r.IsInString(m[0]) || lexer.IsInSpans(r.Comments, m[0]) {
			continue
		}
		u := facts.MapperUpsert{Line: r.LineAt(m[0]), Model: r.GroupText(m, 1), Fields: true}
		for f := range strings.SplitSeq(strings.TrimRight(strings.TrimSpace(string(fieldList[1])), ","), ",") {
			u.Columns = append(u.Columns, strings.ToLower(strings.Trim(f, " \t\r\n\"'")))
		}
		r.Facts.Upserts = append(r.Facts.Upserts, u)
	}
}

// A fragment of SQL is evidence only if it names the tables itself: a condition on
// orders.state, a join.

// maxFragment bounds the length of a fragment.
const maxFragment = 1 << 10

var (
	fragmentName = lazyregexp.New(`\b[a-z_]\w*"?\."?[a-z_]\w*"?\s*(?:=|<|>|!=|\+|-|\*|/|,|\||(?i:is|in|like|ilike|between|asc|desc|not|and|or|as)\b|::|@>|$)|(?:=|<|>|,|\()\s*"?[a-z_]\w*"?\."?[a-z_]\w*"?\s*$|(?i)\bselect\b.*\bfrom\b`)
	fragmentTail = lazyregexp.New(`(?i)^\s*(?:(?:(?:left|right|inner|full|cross)(?:\s+outer)?\s+)?join\s+\S+|where\s)`)
	fragmentMore = lazyregexp.New(`(?i)^\s*(?:and|or)\s`)
	// fragmentConflict matches an ON CONFLICT that code adds to a query.
	fragmentConflict = lazyregexp.New(`(?i)^\s*on\s+conflict\b`)
	fragmentSign     = lazyregexp.New(`[=<>]|(?i)\b(?:is|in|like|asc|desc|join|as)\b`)
)

// hasQualifiedName reports whether a text has a qualified name: a name, a point and a name.
func hasQualifiedName(text []byte) bool {
	for i := 1; i+1 < len(text); i++ {
		if text[i] == '.' && (lexer.NameByte[text[i-1]] || text[i-1] == '"') && (lexer.NameByte[text[i+1]] || text[i+1] == '"') {
			return true
		}
	}
	return false
}

// ReadFragment records what a piece of a query says about tables that it names.
func ReadFragment(r *source.File, l lexer.String) {
	n := l.To - l.From
	if l.Symbol || n < 5 || n > maxFragment {
		return
	}
	text := r.Text[l.From:l.To]
	if start := bytes.TrimLeft(text, " \t\r\n\f"); len(start) > 0 && start[0]|' ' == 'o' && fragmentConflict.Match(text) {
		recordAppendedConflict(r, l)
		return
	}
	if bytes.IndexByte(text, ' ') < 0 || !hasQualifiedName(text) && !bytes.Contains(text, []byte("select ")) && !bytes.Contains(text, []byte("SELECT ")) ||
		!fragmentSign.Match(text) || !fragmentName.Match(text) {
		return
	}
	s := &Text{}
	switch {
	case fragmentTail.Match(text):
		s.SQL = append(s.SQL, "SELECT FROM "+HoleName+" "...)
	case fragmentMore.Match(text):
		s.SQL = append(s.SQL, "SELECT WHERE true "...)
	default:
		s.SQL = append(s.SQL, "SELECT "...)
	}
	s.AddString(r.Text, l, r.Language)
	list := s.parseStatements()
	if len(list) != 1 || list[0].Node == nil {
		return // prose
	}
	q, _ := DigestStatement(list[0].Node, true, func(offset int) int { return r.LineAt(s.fileOffset(max(offset, 0))) })
	if q != nil && len(q.Relations) > 0 {
		q.Line, q.Open = r.LineAt(l.From), true
		r.Facts.Queries = append(r.Facts.Queries, *q)
	}
}

// recordAppendedConflict records an ON CONFLICT that the program adds to a query: to the query before
// it, if that is an incomplete INSERT; otherwise to an unknown one.
func recordAppendedConflict(r *source.File, l lexer.String) {
	s := &Text{SQL: []byte("INSERT INTO " + HoleName + " DEFAULT VALUES ")}
	s.AddString(r.Text, l, r.Language)
	list := s.parseStatements()
	if len(list) == 0 || list[0].Node == nil {
		return
	}
	q, _ := DigestStatement(list[0].Node, true, func(offset int) int { return r.LineAt(s.fileOffset(max(offset, 0))) })
	if q == nil || len(q.Upserts) == 0 {
		return
	}
	q.Line, q.Open = r.LineAt(l.From), true
	if n := len(r.Facts.Queries); n > 0 {
		last := &r.Facts.Queries[n-1]
		if w := len(last.Writes); last.Open && w > 0 && last.Writes[w-1].How == facts.Inserts && q.Line-last.Line < upsertAbove {
			q.Relations = append(q.Relations, last.Relations[last.Writes[w-1].Relation])
			for i := range q.Upserts {
				q.Upserts[i].Relation = len(q.Relations) - 1
			}
		}
	}
	r.Facts.Queries = append(r.Facts.Queries, *q)
}
