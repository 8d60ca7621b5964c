package pgparse

import (
	"sort"
	"strings"

	"github.com/sqlc-dev/oliphant/ast"
	"github.com/sqlc-dev/oliphant/parser"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The parser has the grammar of Postgres 18. If it refuses a text, forms that 19 brought are rewritten as forms that it knows:
// REPACK t is parsed as VACUUM t. The tree then gets what the known form cannot say, and a mark for the checks of versions.

// GrammarMajor is the version whose grammar the parser has. newerSince is the version that brought the forms.
const (
	GrammarMajor = 18
	newerSince   = 19
)

// newerText is a statement while its new forms are rewritten.
type newerText struct {
	sql   string
	words []word
	edits []edit
	// message is the error of older servers.
	message string
	// finish are changes of the tree, after it was parsed.
	finish []func(*Node)
}

// edit replaces a part of a text.
type edit struct {
	start, end int
	text       string
}

// parseNewerForms parses a text that has forms of Postgres 19; nil if it has none, or something else is wrong.
func parseNewerForms(sql string) *ast.ParseResult {
	x := rewriteNewerForms(sql)
	if x == nil {
		return nil
	}
	if x.hasWords(0, "wait") {
		return x.parseWaitForLSN()
	}
	sort.Slice(x.edits, func(i, j int) bool { return x.edits[i].start < x.edits[j].start })
	var b strings.Builder
	last := 0
	for _, e := range x.edits {
		if e.start < last {
			return nil
		}
		b.WriteString(sql[last:e.start])
		b.WriteString(e.text)
		last = e.end
	}
	b.WriteString(sql[last:])
	tree, err := parser.ParseToTree(b.String())
	if err != nil || len(tree.Stmts) != 1 {
		return nil
	}
	x.restoreLocations(tree.ProtoReflect())
	n := tree.Stmts[0].Stmt
	for _, f := range x.finish {
		f(n)
	}
	markNewerForm(n, x.message)
	return tree
}

// MayHaveNewerForm reports whether the first statement of a text may have a form that the parser's own grammar does not have. It does not parse.
func MayHaveNewerForm(sql string) bool { return rewriteNewerForms(sql) != nil }

// rewriteNewerForms finds the new forms of the first statement of a text, and what to write for them; nil if there are none.
func rewriteNewerForms(sql string) *newerText {
	x := &newerText{sql: sql, words: splitWords(sql)}
	for i := range x.words {
		if x.hasWords(i, ";") {
			x.words = x.words[:i]
			break
		}
	}
	if len(x.words) == 0 {
		return nil
	}
	switch x.readWord(0) {
	case "repack":
		x.rewriteRepack()
	case "wait":
		return x
	case "checkpoint":
		x.rewriteCheckpoint()
	case "create", "alter":
		x.rewriteDefinition()
	case "copy":
		x.rewriteCopy()
	}
	x.rewriteNestedForms()
	if len(x.edits) == 0 {
		return nil
	}
	return x
}

// readWord returns a word in lower case; "" after the last word.
func (x *newerText) readWord(i int) string {
	if i < 0 || i >= len(x.words) {
		return ""
	}
	w := x.words[i]
	if w.kind == 'q' || w.kind == 's' {
		return "\x00"
	}
	return strings.ToLower(x.sql[w.start:w.end])
}

// hasWords reports whether words follow one another from i on.
func (x *newerText) hasWords(i int, words ...string) bool {
	for k, want := range words {
		if x.readWord(i+k) != want {
			return false
		}
	}
	return true
}

// replaceWords replaces the words from i up to and without end. Older servers report a syntax error at the word of the first change.
func (x *newerText) replaceWords(i, end int, text, errorWord string) {
	x.edits = append(x.edits, edit{int(x.words[i].start), int(x.words[end-1].end), text})
	if x.message == "" && errorWord != "" {
		x.message = syntaxErrorAt(errorWord)
	}
}

func syntaxErrorAt(word string) string { return `syntax error at or near "` + word + `"` }

// findClosing returns the index of the parenthesis that closes the one at i; -1 if none does.
func (x *newerText) findClosing(i int) int {
	depth := 0
	for ; i < len(x.words); i++ {
		switch x.words[i].kind {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// copySource returns the text of the words from i up to and without end, as it was written.
func (x *newerText) copySource(i, end int) string {
	if i >= end || end > len(x.words) {
		return ""
	}
	return x.sql[x.words[i].start:x.words[end-1].end]
}

func (x *newerText) rewriteCheckpoint() {
	if end := x.findClosing(1); x.hasWords(1, "(") && end == len(x.words)-1 {
		x.replaceWords(1, end+1, "", "(")
	}
}

// rewriteDefinition rewrites the new forms of CREATE and ALTER.
func (x *newerText) rewriteDefinition() {
	created := x.hasWords(0, "create")
	switch {
	case x.hasWords(1, "publication"):
		x.rewritePublication(created)
	case x.hasWords(1, "subscription") && x.hasWords(3, "server"):
		x.replaceWords(3, min(5, len(x.words)), "CONNECTION ''", x.copySource(3, 4))
	case x.hasWords(1, "subscription") && x.hasWords(3, "refresh", "sequences"):
		x.replaceWords(3, 5, "SKIP (lsn = NONE)", x.copySource(4, 5))
	case x.hasWords(1, "foreign", "data", "wrapper"):
		for i := 5; i < len(x.words); i++ {
			switch {
			case x.hasWords(i, "options"):
				return
			case x.hasWords(i, "no", "connection"):
				x.replaceWords(i, i+2, "NO VALIDATOR", x.copySource(i+1, i+2))
			case x.hasWords(i, "connection") && i+1 < len(x.words):
				x.replaceWords(i, i+2, map[bool]string{false: "NO VALIDATOR"}[created], x.copySource(i, i+1))
			}
		}
	case x.hasWords(1, "constraint", "trigger"):
		for i := 4; i < len(x.words) && !x.hasWords(i, "for", "each"); i++ {
			if x.hasWords(i, "enforced") && !x.hasWords(i-1, "not") {
				x.replaceWords(i, i+1, "", "")
				x.message = "TRIGGER constraints cannot be marked ENFORCED"
			}
		}
	}
}

// rewriteCopy puts json into quotes: the grammar of 18 takes FORMAT JSON together.
func (x *newerText) rewriteCopy() {
	for i := range x.words {
		if x.hasWords(i, "format", "json") && (x.hasWords(i-1, "(") || x.hasWords(i-1, ",")) {
			x.replaceWords(i+1, i+2, "'json'", x.copySource(i, i+1))
		}
	}
}

// rewriteNestedForms rewrites forms that may be anywhere in a statement.
func (x *newerText) rewriteNestedForms() {
	for i := range x.words {
		switch {
		case x.hasWords(i, "do", "select") && i > 0:
			x.rewriteDoSelect(i)
		case x.words[i].kind == ')' && (x.hasWords(i+1, "ignore", "nulls", "over") || x.hasWords(i+1, "respect", "nulls", "over")):
			x.replaceWords(i+1, i+3, "", x.copySource(i+2, i+3))
		case x.hasWords(i, "null") && (x.hasWords(i-1, "to") || x.hasWords(i-1, "=")) && x.isLastSettingWord(i-2):
			x.replaceWords(i, i+1, "''", x.copySource(i, i+1))
		}
	}
}

// isLastSettingWord reports whether the word at i is the last one of the parameter's name in SET.
func (x *newerText) isLastSettingWord(i int) bool {
	for i >= 2 && x.hasWords(i-1, ".") {
		i -= 2
	}
	return x.hasWords(i-1, "set") || x.hasWords(i-2, "set", "local") || x.hasWords(i-2, "set", "session")
}

// rewriteDoSelect writes ON CONFLICT … DO SELECT [FOR …] as DO UPDATE, and takes its assignment out of the tree.
func (x *newerText) rewriteDoSelect(i int) {
	conflict := false
	for k := i - 1; k > 0 && !conflict; k-- {
		conflict = x.hasWords(k, "on", "conflict")
	}
	if !conflict {
		return
	}
	end := i + 2
	if x.hasWords(end, "for") {
		for end < len(x.words) && !x.hasWords(end, "where") && !x.hasWords(end, "returning") {
			end++
		}
	}
	x.replaceWords(i, end, "DO UPDATE SET x = 1", x.copySource(i+1, i+2))
	start := x.words[i].start
	x.finish = append(x.finish, func(n *Node) {
		Walk(n, func(m any) bool {
			if c, ok := m.(*OnConflictClause); ok && len(c.TargetList) == 1 && c.TargetList[0].GetResTarget().GetLocation() >= start {
				c.TargetList = nil
			}
			return true
		})
	})
}

// IsDoSelect reports whether a clause is ON CONFLICT … DO SELECT.
func IsDoSelect(c *OnConflictClause) bool {
	return c.GetAction() == OnConflictAction_ONCONFLICT_UPDATE && len(c.GetTargetList()) == 0
}

// parseWaitForLSN returns a tree for WAIT FOR LSN. It is a SHOW, because neither locks anything.
func (x *newerText) parseWaitForLSN() *ast.ParseResult {
	end := 4
	if x.hasWords(end, "with", "(") {
		end = x.findClosing(end+1) + 1
	}
	if !x.hasWords(1, "for", "lsn") || len(x.words) < 4 || x.words[3].kind != 's' || end != len(x.words) {
		return nil
	}
	name := waitName
	for _, w := range x.words[4:] {
		switch strings.ToLower(x.sql[w.start:w.end]) {
		case "'primary_flush'", "no_throw":
			name = waitPrimary
		}
	}
	n := &Node{Node: &ast.Node_VariableShowStmt{VariableShowStmt: &ast.VariableShowStmt{Name: name}}}
	markNewerForm(n, syntaxErrorAt(x.copySource(0, 1)))
	return &ast.ParseResult{Stmts: []*ast.RawStmt{{Stmt: n}}}
}

const waitName, waitPrimary = "wait for lsn on a standby", "wait for lsn"

// WaitsOnStandby reports whether a statement is a WAIT FOR LSN that only a standby takes.
func WaitsOnStandby(s *VariableShowStmt) bool { return s.GetName() == waitName }

// restoreLocations replaces the locations in a tree by locations in the original text.
func (x *newerText) restoreLocations(m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch name := string(fd.Name()); {
		case fd.IsList() && fd.Message() != nil:
			for i := range v.List().Len() {
				x.restoreLocations(v.List().Get(i).Message())
			}
		case fd.IsList() || fd.IsMap():
		case fd.Message() != nil:
			x.restoreLocations(v.Message())
		case name == "stmt_len" && v.Int() > 0:
			m.Set(fd, protoreflect.ValueOfInt32(int32(x.originalOffset(int(v.Int())))))
		case strings.HasSuffix(name, "location") && fd.Kind() == protoreflect.Int32Kind && v.Int() > 0:
			m.Set(fd, protoreflect.ValueOfInt32(int32(x.originalOffset(int(v.Int())))))
		}
		return true
	})
}

// originalOffset returns the offset that a place of the rewritten text had.
func (x *newerText) originalOffset(offset int) int {
	shift := 0
	for _, e := range x.edits {
		start := e.start - shift
		if offset < start {
			break
		}
		if offset < start+len(e.text) {
			return e.start
		}
		shift += e.end - e.start - len(e.text)
	}
	return offset + shift
}

// markNewerForm records in a statement that older servers refuse it with a message.
func markNewerForm(n *Node, message string) { addMark(n, newerField, message) }

// NewerForm returns the version that brought a form of a statement, and the error of older servers; 0 if the parser's own grammar
// has it. statement is a node, or what it holds.
func NewerForm(statement any) (since int, message string) {
	if message, ok := readMark(statement, newerField); ok {
		return newerSince, message
	}
	return 0, ""
}
