package deployed

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

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
