// Package hasura reads the tables and columns that Hasura's metadata tracks.
package hasura

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Readers are the readers of the metadata's files.
var Readers = []source.Reader{
	{Endings: []string{".yaml", ".yml", ".json"}, Signs: []string{"table:", `"table"`}, Read: readMetadata},
}

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
	var documents []*yaml.Node
	for decoder := yaml.NewDecoder(bytes.NewReader(r.Text)); ; {
		var doc yaml.Node
		if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return
		}
		documents = append(documents, doc.Content[0])
	}
	for _, root := range documents {
		readTables(r, root)
	}
}

// readTables reads the tables in a list, or in the parts of a document.
func readTables(r *source.File, node *yaml.Node) {
	for _, v := range listItems(node) {
		readTables(r, v)
	}
	if table := qualifyTable(lookupKey(node, "table")); table != "" {
		readTable(r, node, table)
		return
	}
	for _, key := range []string{"metadata", "sources", "tables"} {
		if part := lookupKey(node, key); part != nil {
			readTables(r, part)
		}
	}
}

// lookupKey returns the value of a key; nil if the node has none.
func lookupKey(node *yaml.Node, key string) *yaml.Node {
	for k, v := range mappingEntries(node) {
		if scalarText(k) == key {
			return v
		}
	}
	return nil
}

// mappingEntries goes through the keys and values of a mapping; nothing else has any.
func mappingEntries(node *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		if node == nil || node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i], node.Content[i+1]) {
				return
			}
		}
	}
}

// scalarText returns a scalar's text; "" for none.
func scalarText(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode || node.Tag != "!!str" {
		return ""
	}
	return node.Value
}

// qualifyTable returns a table as schema.name; "" for none.
func qualifyTable(node *yaml.Node) string {
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
func readTable(r *source.File, entry *yaml.Node, table string) {
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

func lineOfNode(node *yaml.Node) int { return node.Line }

func listItems(node *yaml.Node) []*yaml.Node {
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

func (t *tableReader) recordColumn(node *yaml.Node) {
	if name := scalarText(node); name != "" {
		t.call.Words = append(t.call.Words, facts.Word{Mark: facts.HashText(name), Line: lineOfNode(node)})
	}
}

// recordColumns records one column, or each of a list.
func (t *tableReader) recordColumns(node *yaml.Node) {
	t.recordColumn(node)
	for _, column := range listItems(node) {
		t.recordColumn(column)
	}
}

func (t *tableReader) recordKeys(node *yaml.Node) {
	for key := range mappingEntries(node) {
		t.recordColumn(key)
	}
}

// recordCondition records the columns of a condition on rows: each has an operator, as _eq. A key without one is a
// relationship, whose columns are another table's.
func (t *tableReader) recordCondition(node *yaml.Node) {
	for _, part := range listItems(node) {
		t.recordCondition(part)
	}
	for k, value := range mappingEntries(node) {
		switch key := scalarText(k); {
		case key == "_and" || key == "_or" || key == "_not":
			t.recordCondition(value)
		case hasOperator(value):
			t.recordColumn(k)
		}
	}
}

// hasOperator reports whether a value compares a column.
func hasOperator(node *yaml.Node) bool {
	if node.Kind != yaml.MappingNode || len(node.Content) == 0 {
		return false
	}
	for k := range mappingEntries(node) {
		key := scalarText(k)
		if !strings.HasPrefix(key, "_") || key == "_and" || key == "_or" || key == "_not" || key == "_exists" {
			return false
		}
	}
	return true
}

// recordRelationship records the columns of a relationship. A foreign key of the other table is that table's column.
func (t *tableReader) recordRelationship(using *yaml.Node) {
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
