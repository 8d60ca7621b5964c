package deployed

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/read"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// findSoftDelete answers whether the code at the head marks rows as deleted, and the deployed code deletes them. In SQL it is so if a changed file
// has lost a DELETE, and an UPDATE writes the column that none wrote before: UPDATE users SET deleted_at = now().
func (u *Code) findSoftDelete(q question) analysis.Usage {
	if u.Head == nil {
		return analysis.Usage{}
	}
	if u.hasSign(marksRows) {
		if byModel := u.findModelSoftDelete(q); byModel.Used {
			return byModel
		}
	}
	if !u.hasSign(deletesRows) {
		return analysis.Usage{}
	}
	out := analysis.Usage{Known: u.ReadFiles().err == nil}
	before := u.indexFor(q).FindDeletions(q.Name, q.Column)
	changed := slices.ContainsFunc(before.Deletes, func(e index.Use) bool {
		return slices.ContainsFunc(u.Changes, func(c gitrange.Change) bool { return c.Path == e.Path || c.OldPath == e.Path })
	})
	if len(before.Marks) > 0 || !changed {
		return out
	}
	head := u.Head()
	head.Schemas = u.Schemas
	now := head.indexFor(q).FindDeletions(q.Name, q.Column)
	if len(now.Marks) == 0 || len(now.Deletes) >= len(before.Deletes) {
		return out
	}
	out.Used, out.Written = true, head.makeEvidence(now.Marks, maxEvidence)
	out.Read = head.makeEvidence(head.findUnfilteredReads(q), maxEvidence)
	out.Evidence = u.makeEvidence(u.findUnfilteredReads(q), maxEvidence)
	return out
}

// maxShowing is how many queries are parsed once more.
const maxShowing = 200

// findUnfilteredReads returns the queries that read a table without its column of deleted rows, except those for a row by its key: they may be meant.
// Text that the program inserts may have the condition.
func (u *Code) findUnfilteredReads(q question) []index.Use {
	uses := u.indexFor(q).FindReadsWithout(q.Name, q.Column)
	uses = uses[:min(len(uses), maxShowing)]
	keys := keyColumns(u.resolveRelation(q))
	var paths []string
	for _, e := range uses {
		if !slices.Contains(paths, e.Path) {
			paths = append(paths, e.Path)
		}
	}
	texts, err := u.base.ReadAll(paths)
	if err != nil {
		return nil
	}
	byKey := map[string]map[int]bool{}
	for _, p := range paths {
		byKey[p] = map[int]bool{}
		for _, s := range read.Statements(p, texts[p]) {
			byKey[p][s.Line] = s.Open || picksByKey(pgparse.ParseStatement(s.SQL), keys)
		}
	}
	return slices.DeleteFunc(uses, func(e index.Use) bool {
		known, found := byKey[e.Path][e.Line]
		return known || !found
	})
}

// keyColumns returns the columns of the relation's primary key and unique constraints.
func keyColumns(r *catalog.Relation) []string {
	if r == nil {
		return nil
	}
	var out []string
	for _, c := range r.Constraints {
		if c.Kind != catalog.PrimaryKey && c.Kind != catalog.Unique {
			continue
		}
		for _, n := range c.Columns {
			if col := r.Attr(n); col != nil {
				out = append(out, col.Name)
			}
		}
	}
	return out
}

// picksByKey reports whether a query compares a column of a key with a value. A statement that cannot be parsed counts as one.
func picksByKey(n *pgparse.Node, keys []string) bool {
	if n.GetSelectStmt() == nil {
		return true
	}
	return pgparse.Contains(n.GetSelectStmt().GetWhereClause(), func(e *pgparse.A_Expr) bool {
		isKey := func(x *pgparse.Node) bool {
			return slices.Contains(keys, pgparse.LastText(x.GetColumnRef().GetFields()))
		}
		return pgparse.LastText(e.GetName()) == "=" && (isKey(e.GetLexpr()) || isKey(e.GetRexpr()))
	})
}

var (
	// softDeleteSign matches what makes a mapper mark deleted rows of a model: Paranoia and Discard, TypeORM, Sequelize, GORM, Hibernate, Eloquent,
	// and the base classes of Django's packages and of SQLAlchemy's mixins.
	softDeleteSign = lazyregexp.New(`\bacts_as_paranoid\b|\bDiscard::Model\b|@DeleteDateColumn\(|\bparanoid:\s*true\b|\bgorm\.DeletedAt\b|@SoftDelete\b|` +
		`@SQLDelete\(|\buse\s[^;]*\bSoftDeletes\b|^\s*class\b[^:]*\([^)]*\b(?:SafeDelete|SoftDelete|SoftDeletable)\w*|=\s*SoftDelet\w*Manager\(`)
	// softDeleteWords are words of which each of its matches has one, in lower case.
	softDeleteWords = []string{"paranoid", "discard::model", "@deletedatecolumn(", "gorm.deletedat", "softdelet", "safedelete", "@sqldelete("}
	// modelStart matches the first line of a class, a struct or a model that a function defines.
	modelStart = lazyregexp.New(`^(?:export\s+|default\s+|public\s+|final\s+|abstract\s+|open\s+|data\s+)*(?:class|type|struct|entity)\b|\b\w+\.(?:define|init)\(`)
	codeRemark = lazyregexp.New(`^(?:#|//|\*|/\*|--)`)
)

// mostModelLines bounds the lines of a model that are read.
const mostModelLines = 400

// findModelSoftDelete answers findSoftDelete for mappers: a model at the head says that deleted rows are marked, and the deployed one does not. All
// queries of the deployed model show such rows.
func (u *Code) findModelSoftDelete(q question) analysis.Usage {
	out := analysis.Usage{Known: u.ReadFiles().err == nil}
	head := u.Head()
	head.Schemas = u.Schemas
	now := head.findMarkingModels(q)
	if len(now) == 0 || len(u.findMarkingModels(q)) > 0 {
		return out
	}
	out.Used, out.Written = true, head.makeEvidence(now, maxEvidence)
	out.Read = head.makeEvidence(head.findUnfilteredReads(q), maxEvidence)
	shown := u.findUnfilteredReads(q)
	if table := u.answerQuestion(question{analysis.Question{Kind: analysis.AskTable, Name: q.Name}, q.database}); table.Used && !table.Declared {
		for _, m := range u.indexFor(q).Mapped(u.resolveRelation(q)) {
			shown = append(shown, index.Use{Path: m.Path, Line: m.Line})
		}
	}
	out.Evidence = u.makeEvidence(shown, maxEvidence)
	return out
}

// findMarkingModels returns the lines that make mappers mark deleted rows of a table.
func (u *Code) findMarkingModels(q question) []index.Use {
	r := u.resolveRelation(q)
	if r == nil {
		return nil
	}
	var out []index.Use
	for _, m := range u.indexFor(q).Mapped(r) {
		u.ReadFiles().readFilesOf([]index.Use{{Path: m.Path}})
		if line := findSoftDeleteSign(u.ReadFiles().lines[m.Path], m.Line); line > 0 {
			out = append(out, index.Use{Path: m.Path, Line: line})
		}
	}
	return out
}

// findSoftDeleteSign returns the line of a model that has such a sign; 0 for none. The model goes on to the next one that is not inside it. Its
// annotations are above it.
func findSoftDeleteSign(lines []string, start int) int {
	if start < 1 || start > len(lines) {
		return 0
	}
	first := start - 1
	for first > 0 && strings.HasPrefix(strings.TrimSpace(lines[first-1]), "@") {
		first--
	}
	depth, hasModelStart := countIndent(lines[start-1]), modelStart.MatchString(strings.TrimSpace(lines[start-1])) // otherwise its annotation is the start
	for i := first; i < min(len(lines), start+mostModelLines); i++ {
		text := strings.TrimSpace(lines[i])
		if i >= start && text != "" && countIndent(lines[i]) <= depth && modelStart.MatchString(text) {
			if hasModelStart {
				return 0
			}
			hasModelStart = true
		}
		if !codeRemark.MatchString(text) && softDeleteSign.MatchString(lines[i]) {
			return i + 1
		}
	}
	return 0
}

// countIndent returns the number of spaces and tabs that a line begins with.
func countIndent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// signs is what a rule looks for in the files that differ before it has all of the code read.
type signs byte

const (
	deletesRows signs = 1 << iota // a DELETE, of the deployed code
	marksRows                     // a model of the new code whose deleted rows are marked
)

// signsVersion is the version of the results of findSigns: a cache of another version is not used.
const signsVersion = "1"

// sign says how a sign is found. One of its words, in lower case, is part of each: only these places are looked at.
type sign struct {
	sign  signs
	words []string
	// isAt reports whether the word at a place of a text is part of the sign.
	isAt func(text []byte, start int) bool
}

var allSigns = []sign{
	{deletesRows, []string{"delete"}, func(text []byte, start int) bool { return deleteText.Match(text[max(0, start-1):]) }},
	{marksRows, softDeleteWords, func(text []byte, start int) bool {
		line := text[bytes.LastIndexByte(text[:start], '\n')+1:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		}
		return softDeleteSign.Match(line)
	}},
}

var signWords = lexer.NewWords(slices.Concat([]string{"delete"}, softDeleteWords)...)

// deleteText matches a DELETE at the start of a text, or behind its first byte.
var deleteText = lazyregexp.New(`(?i)^\W?delete\s+from\b`)

// findSigns returns the signs that a text has.
func findSigns(text []byte) (out signs) {
	lower := bytes.Clone(text) // of the same length, unlike what [bytes.ToLower] makes
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	signWords.Each(lower, func(offset int, word string) bool {
		for _, s := range allSigns {
			if out&s.sign == 0 && slices.Contains(s.words, word) && s.isAt(text, offset) {
				out |= s.sign
			}
		}
		return true
	})
	return out
}

// hasSign reports whether a file that differs has a sign in the revision that the sign is of. All signs are found at the first call.
func (u *Code) hasSign(s signs) bool {
	if u.changeSigns == nil {
		both := u.findSignsAt(u.base, gitrange.Added, func(c gitrange.Change) string { return cmp.Or(c.OldPath, c.Path) })&deletesRows |
			u.findSignsAt(u.Head().base, gitrange.Deleted, func(c gitrange.Change) string { return c.Path })&marksRows
		u.changeSigns = &both
	}
	return *u.changeSigns&s != 0
}

// findSignsAt returns the signs that the files that differ have in one revision. Those of the kind absent are not in it.
func (u *Code) findSignsAt(tree gitrange.Tree, absent gitrange.Kind, pathOf func(gitrange.Change) string) (out signs) {
	differs := map[string]bool{}
	for _, c := range u.Changes {
		if p := pathOf(c); c.Kind != absent && !IsDataFile(p) && !u.IsNotCode(p) {
			differs[p] = true
		}
	}
	var files []gitrange.File
	size := int64(0)
	for _, f := range tree.Files() {
		if differs[f.Path] && mayBeCode(f) {
			files = append(files, f)
			size += f.Size
		}
	}
	for _, data := range scanFiles(tree, files, u.openStorage()("-signs", signsVersion, size), func(text []byte) []byte {
		return []byte{byte(findSigns(text))}
	}) {
		if len(data) > 0 {
			out |= signs(data[0])
		}
	}
	return out
}

// mappedClass returns the model that a framework's migrations create for a table, "" for none, if its name is no spelling of
// the table's name. It is used if the models of the base are not known, and is read from
// the migrations that create them.
func (u *Code) mappedClass(q question) string {
	if q.database >= len(u.Databases) {
		return ""
	}
	if u.classes == nil {
		u.classes = map[int]map[string]string{}
	}
	classes, done := u.classes[q.database]
	if !done {
		classes = map[string]string{}
		u.classes[q.database] = classes
		for _, i := range u.Databases[q.database] {
			s := u.sources[i]
			if s.Set == nil || !all.Traits(s.Framework).Renders || s.Set.Models != nil {
				continue
			}
			for _, m := range s.Set.Migrations {
				app, _, _ := strings.Cut(m.ID, ".")
				for _, part := range m.Source.Parts {
					if part.Operation.Class == "CreateModel" {
						classes[strings.ToLower(app+"_"+part.Operation.Model)] = part.Operation.Model
					}
				}
			}
		}
	}
	return classes[strings.ToLower(q.Name.Name)]
}

// tableNames returns the names by which code may mean the table of a question: its spellings, its model, and itself.
func (u *Code) tableNames(q question) []string {
	return append(facts.TableWords(q.Name.Name), u.mappedClass(q), q.Name.Name)
}
