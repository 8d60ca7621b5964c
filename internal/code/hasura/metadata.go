package hasura

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// metadataFile matches a file of the metadata: YAML beside its databases, or an exported JSON document.
var metadataFile = lazyregexp.New(`(?:^|/)metadata/(?:[^/]+/)*tables(?:/[^/]+)?\.ya?ml$|(?:^|/)(?:hasura/(?:[^/]+/)*|hasura_)metadata[^/]*\.json$`)

// IsMetadata reports whether a file may be a part of Hasura's metadata.
func IsMetadata(file string) bool { return metadataFile.MatchString(file) }

// readMetadata records each tracked table with the columns that the metadata names. Hasura generates the queries of
// these columns, and refuses metadata with a column that does not exist. JSON is YAML, too.
func readMetadata(r *source.File) {
	if !IsMetadata(r.Path) {
		return
	}
	file, err := parser.ParseBytes(r.Text, 0)
	if err != nil {
		return
	}
	for _, doc := range file.Docs {
		readTables(r, doc.Body)
	}
}

// readTables reads the tables in a list, or in the parts of a document.
func readTables(r *source.File, node ast.Node) {
	switch x := node.(type) {
	case *ast.SequenceNode:
		for _, v := range x.Values {
			readTables(r, v)
		}
	case *ast.MappingNode:
		if table := qualifyTable(lookupKey(x, "table")); table != "" {
			readTable(r, x, table)
			return
		}
		for _, key := range []string{"metadata", "sources", "tables"} {
			readTables(r, lookupKey(x, key))
		}
	}
}

// lookupKey returns the value of a key; nil if the node has none.
func lookupKey(node ast.Node, key string) ast.Node {
	m, ok := node.(*ast.MappingNode)
	if !ok {
		return nil
	}
	for _, v := range m.Values {
		if scalarText(v.Key) == key {
			return v.Value
		}
	}
	return nil
}

// scalarText returns a scalar's text; "" for none.
func scalarText(node ast.Node) string {
	if s, ok := node.(*ast.StringNode); ok {
		return s.Value
	}
	return ""
}

// qualifyTable returns a table as schema.name; "" for none.
func qualifyTable(node ast.Node) string {
	name, schema := scalarText(node), "public"
	if name == "" {
		name = scalarText(lookupKey(node, "name"))
		if s := scalarText(lookupKey(node, "schema")); s != "" {
			schema = s
		}
	}
	if name == "" || strings.Contains(name, ".") {
		return ""
	}
	return schema + "." + name
}

// tableReader collects the columns of one table.
type tableReader struct {
	file *source.File
	call facts.Call
}

// readTable reads one table's entry.
func readTable(r *source.File, entry *ast.MappingNode, table string) {
	t := &tableReader{file: r, call: facts.Call{Table: table, Line: lineOfNode(lookupKey(entry, "table")), How: facts.Maps}}
	for _, kind := range []string{"select", "insert", "update", "delete"} {
		for _, p := range listItems(lookupKey(entry, kind+"_permissions")) {
			permission := lookupKey(p, "permission")
			t.recordColumns(lookupKey(permission, "columns"))
			t.recordKeys(lookupKey(permission, "set"))
			t.recordCondition(lookupKey(permission, "filter"))
			t.recordCondition(lookupKey(permission, "check"))
		}
	}
	for _, kind := range []string{"object", "array"} {
		for _, relationship := range listItems(lookupKey(entry, kind+"_relationships")) {
			t.recordRelationship(lookupKey(relationship, "using"))
		}
	}
	configuration := lookupKey(entry, "configuration")
	t.recordKeys(lookupKey(configuration, "column_config"))
	t.recordKeys(lookupKey(configuration, "custom_column_names"))
	r.Facts.Calls = append(r.Facts.Calls, t.call)
}

func lineOfNode(node ast.Node) int { return node.GetToken().Position.Line }

func listItems(node ast.Node) []ast.Node {
	if list, ok := node.(*ast.SequenceNode); ok {
		return list.Values
	}
	return nil
}

func (t *tableReader) recordColumn(node ast.Node) {
	if name := scalarText(node); name != "" {
		t.call.Words = append(t.call.Words, facts.Word{Mark: facts.HashText(name), Line: lineOfNode(node)})
	}
}

// recordColumns records one column, or each of a list.
func (t *tableReader) recordColumns(node ast.Node) {
	t.recordColumn(node)
	for _, column := range listItems(node) {
		t.recordColumn(column)
	}
}

func (t *tableReader) recordKeys(node ast.Node) {
	if m, ok := node.(*ast.MappingNode); ok {
		for _, v := range m.Values {
			t.recordColumn(v.Key)
		}
	}
}

// recordCondition records the columns of a condition on rows: each has an operator, as _eq. A key without one is a
// relationship, whose columns are another table's.
func (t *tableReader) recordCondition(node ast.Node) {
	for _, part := range listItems(node) {
		t.recordCondition(part)
	}
	m, ok := node.(*ast.MappingNode)
	if !ok {
		return
	}
	for _, v := range m.Values {
		switch key := scalarText(v.Key); {
		case key == "_and" || key == "_or" || key == "_not":
			t.recordCondition(v.Value)
		case hasOperator(v.Value):
			t.recordColumn(v.Key)
		}
	}
}

// hasOperator reports whether a value compares a column.
func hasOperator(node ast.Node) bool {
	m, ok := node.(*ast.MappingNode)
	if !ok || len(m.Values) == 0 {
		return false
	}
	for _, v := range m.Values {
		key := scalarText(v.Key)
		if !strings.HasPrefix(key, "_") || key == "_and" || key == "_or" || key == "_not" || key == "_exists" {
			return false
		}
	}
	return true
}

// recordRelationship records the columns of a relationship. A foreign key of the other table is that table's column.
func (t *tableReader) recordRelationship(using ast.Node) {
	key := lookupKey(using, "foreign_key_constraint_on")
	t.recordColumns(key)
	manual := lookupKey(using, "manual_configuration")
	t.recordKeys(lookupKey(manual, "column_mapping"))
	if table := qualifyTable(lookupKey(key, "table")); table != "" {
		other := &tableReader{file: t.file, call: facts.Call{Table: table, Line: lineOfNode(key), How: facts.Maps}}
		other.recordColumns(lookupKey(key, "column"))
		other.recordColumns(lookupKey(key, "columns"))
		t.file.Facts.Calls = append(t.file.Facts.Calls, other.call)
	}
}
