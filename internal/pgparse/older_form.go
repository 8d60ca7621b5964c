package pgparse

import (
	"reflect"
	"slices"
	"strings"

	"github.com/sqlc-dev/oliphant/ast"
	"github.com/sqlc-dev/oliphant/parser"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// labelSince is the version since which IGNORE and RESPECT are no labels without AS: SELECT n ignore FROM t. As names of tables and columns they stay.
const labelSince = 19

var labelWords = []string{"ignore", "respect"}

// sameClass is a word that the parser's grammar treats as 19 treats the two: no label without AS, a name elsewhere, and a part of the call of a function
// after its parenthesis.
const sameClass = "within"

// MayHaveOlderForm reports whether a text may have a form that is gone in a newer version. It does not parse.
func MayHaveOlderForm(sql string) bool {
	return slices.ContainsFunc(labelWords, func(word string) bool { return ContainsFold(sql, word) })
}

// markOlderForm records in a statement which version refuses it that the parser's own grammar has, and the message.
func markOlderForm(sql string, tree *ast.ParseResult) {
	if !MayHaveOlderForm(sql) || len(tree.Stmts) != 1 {
		return
	}
	for _, w := range splitWords(sql) {
		word := sql[w.start:w.end]
		if w.kind != 'w' || !isNameIn(sql, w, labelWords) {
			continue
		}
		text := sql[:w.start] + (sameClass + " ")[:len(word)] + sql[w.end:]
		_, err := parser.ParseToTree(text)
		if err == nil {
			continue
		}
		message := syntaxErrorAt(word)
		if errorOffset(text, err) >= int(w.end) { // after the call of a function it is read, and the next word is wrong
			message = err.Error()
		}
		addMark(tree.Stmts[0].Stmt, olderField, message)
		return
	}
}

// OlderForm returns the first version that refuses a form of a statement, and its error; 0 if every known version has the form. statement is a node, or
// what it holds.
func OlderForm(statement any) (until int, message string) {
	if message, ok := readMark(statement, olderField); ok {
		return labelSince, message
	}
	return 0, ""
}

// The numbers of the fields, unknown to the parser's messages, that have the marks of forms: of one that is new, of one that is gone, and of one that no
// version has.
const (
	newerField = 19000 + iota
	olderField
	withdrawnField
)

// addMark records the error of the servers that do not have the form of a statement.
func addMark(n *Node, field protowire.Number, message string) {
	if m, ok := unwrap(n).(proto.Message); ok {
		r := m.ProtoReflect()
		r.SetUnknown(protowire.AppendString(protowire.AppendTag(r.GetUnknown(), field, protowire.BytesType), message))
	}
}

// readMark returns such an error. statement is a node, or what it holds.
func readMark(statement any, field protowire.Number) (message string, ok bool) {
	if n, isNode := statement.(*Node); isNode {
		statement = unwrap(n)
	}
	// To ask the message itself would build the descriptors of all messages, a tenth of the time in which a small file is checked.
	m := reflect.ValueOf(statement)
	if _, isMessage := statement.(proto.Message); !isMessage || m.Kind() != reflect.Pointer || m.IsNil() {
		return "", false
	}
	for marks := m.Elem().FieldByName("unknownFields").Bytes(); len(marks) > 0; {
		number, _, size := protowire.ConsumeTag(marks)
		if size < 0 {
			return "", false
		}
		text, length := protowire.ConsumeString(marks[size:])
		if length < 0 {
			return "", false
		}
		if number == field {
			return text, true
		}
		marks = marks[size+length:]
	}
	return "", false
}

// hasWithdrawnForm reports whether a statement is wrong at an offset because it has a form that was announced for a version, and taken out again before its
// release.
func (x *newerText) hasWithdrawnForm(offset int) bool {
	n := slices.IndexFunc(x.words, func(w word) bool { return int(w.start) == offset })
	if n < 0 {
		n = len(x.words) // at the end
	}
	switch {
	case x.hasWords(0, "alter", "table"):
		return x.hasWords(n, "split", "partition") || x.hasWords(n, "merge", "partitions", "(")
	case x.hasWords(n, "property", "graph"):
		return n > 0 && slices.Contains([]string{"create", "alter", "drop", "temp", "temporary"}, x.readWord(n-1))
	case x.hasWords(n, "for", "portion", "of"):
		return x.hasWords(0, "update") || x.hasWords(0, "delete", "from")
	case x.hasWords(0, "create", "schema"):
		return x.hasWords(n-1, "create") && slices.Contains(
			[]string{"type", "domain", "function", "procedure", "aggregate", "collation", "operator", "text"}, x.readWord(n))
	case x.hasWords(n, "match"):
		return x.hasWords(n-3, "graph_table", "(") || x.hasWords(n-5, "graph_table", "(")
	}
	return x.hasWords(n-3, "group", "by", "all")
}

const withdrawnName = "withdrawn form"

// parseWithdrawnForm returns the tree of a statement that no known version has, and that each refuses with the parser's error; nil for another statement. It
// is a SHOW, because it does nothing.
func parseWithdrawnForm(sql string, err error) *ast.ParseResult {
	x := &newerText{sql: sql, words: splitWords(sql)}
	if len(x.words) == 0 || !strings.HasPrefix(err.Error(), "syntax error at ") || !x.hasWithdrawnForm(errorOffset(sql, err)) {
		return nil
	}
	n := &Node{Node: &ast.Node_VariableShowStmt{VariableShowStmt: &ast.VariableShowStmt{Name: withdrawnName}}}
	addMark(n, withdrawnField, err.Error())
	return &ast.ParseResult{Stmts: []*ast.RawStmt{{Stmt: n}}}
}

// WithdrawnForm returns the error of all servers for a statement that was announced, and that no known version has; "" for another.
func WithdrawnForm(statement any) (message string) {
	message, _ = readMark(statement, withdrawnField)
	return message
}
