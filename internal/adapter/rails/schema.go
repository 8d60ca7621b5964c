package rails

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// schema is what the migrations so far say about names that Active Record looks up in the database. It may lack what programs did that
// are not read.
type schema struct {
	indexes map[string][]indexEntry
	// keys has the foreign keys of a table.
	keys    map[string][]keyEntry
	columns map[string]map[string]columnType
	// primaryKeys has the key of the tables that have one with a sequence.
	primaryKeys map[string]string
}

// indexEntry is an index: its columns, or one expression.
type indexEntry struct {
	name    string
	columns []string
}

// keyEntry is a foreign key.
type keyEntry struct{ name, column, to string }

// columnType is the SQL type of a column, and its kind in Rails' words.
type columnType struct {
	sql, kind string
	array     bool
}

func newSchema() *schema {
	return &schema{
		indexes: map[string][]indexEntry{}, keys: map[string][]keyEntry{}, columns: map[string]map[string]columnType{}, primaryKeys: map[string]string{},
	}
}

func (s *schema) setColumn(table, column string, t columnType) {
	if s.columns[table] == nil {
		s.columns[table] = map[string]columnType{}
	}
	s.columns[table][column] = t
}

func (s *schema) dropTable(table string) {
	delete(s.indexes, table)
	delete(s.keys, table)
	delete(s.columns, table)
	delete(s.primaryKeys, table)
}

func (s *schema) dropColumn(table, column string) {
	delete(s.columns[table], column)
	s.indexes[table] = slices.DeleteFunc(s.indexes[table], func(e indexEntry) bool { return slices.Contains(e.columns, column) })
	s.keys[table] = slices.DeleteFunc(s.keys[table], func(e keyEntry) bool { return e.column == column })
}

func (s *schema) renameTable(from, to string) {
	s.indexes[to], s.keys[to], s.columns[to] = s.indexes[from], s.keys[from], s.columns[from]
	if key, ok := s.primaryKeys[from]; ok {
		s.primaryKeys[to] = key
	}
	s.dropTable(from)
}

// renameColumn renames a column in the indexes and keys of a table.
func (s *schema) renameColumn(table, from, to string) {
	if t, ok := s.columns[table][from]; ok {
		s.setColumn(table, to, t)
		delete(s.columns[table], from)
	}
	for i := range s.indexes[table] {
		columns := slices.Clone(s.indexes[table][i].columns)
		for k := range columns {
			if columns[k] == from {
				columns[k] = to
			}
		}
		s.indexes[table][i].columns = columns
	}
	for i := range s.keys[table] {
		if s.keys[table][i].column == from {
			s.keys[table][i].column = to
		}
	}
}

// addIndex, dropIndex and renameIndex change an index by its name.
func (s *schema) addIndex(table, name string, columns []string) {
	s.indexes[table] = append(s.indexes[table], indexEntry{name, columns})
}

// sortedIndexes returns the indexes of a table in the order in which Active Record finds them.
func (s *schema) sortedIndexes(table string) []indexEntry {
	return slices.SortedFunc(slices.Values(s.indexes[table]), func(a, b indexEntry) int { return strings.Compare(a.name, b.name) })
}

func (s *schema) dropIndex(table, name string) {
	s.indexes[table] = slices.DeleteFunc(s.indexes[table], func(e indexEntry) bool { return e.name == name })
}

func (s *schema) renameIndex(table, from, to string) {
	for i := range s.indexes[table] {
		if s.indexes[table][i].name == from {
			s.indexes[table][i].name = to
		}
	}
}

// longestIndexName is the length above which Rails 7.1 shortens the names that it makes (max_index_name_size of
// connection_adapters/abstract/schema_statements.rb).
const longestIndexName = 62

// bareIndexName is the version of Active Record that began to leave the schema of the table out of the names of indexes.
const bareIndexName = version(701)

// indexName returns the name of an index that has none: of columns, or of an expression.
func (t *translator) indexName(table string, columns []string) string {
	if t.project.library >= bareIndexName {
		table = stripSchema(table)
	}
	if len(columns) == 1 && strings.ContainsFunc(columns[0], func(c rune) bool { return !isWordRune(c) }) {
		columns = []string{strings.Join(strings.FieldsFunc(columns[0], func(c rune) bool { return !isWordRune(c) }), "_")}
	}
	name := "index_" + table + "_on_" + strings.Join(columns, "_and_")
	if t.version < 701 || len(name) <= longestIndexName {
		return name
	}
	hash := "_" + hashIdentifier(name)
	short := "idx_on_" + strings.Join(columns, "_")
	return short[:min(len(short), longestIndexName-len(hash))] + hash
}

func isWordRune(c rune) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// hashIdentifier returns the part of a name that Rails computes.
func hashIdentifier(identifier string) string {
	sum := sha256.Sum256([]byte(identifier))
	return hex.EncodeToString(sum[:])[:10]
}

// foreignKeyName and checkName return the names of constraints that have none.
func foreignKeyName(table string, columns []string) string {
	return "fk_rails_" + hashIdentifier(table+"_"+strings.Join(columns, "_and_")+"_fk")
}

func checkName(table, expression string) string {
	return "chk_rails_" + hashIdentifier(table+"_"+expression+"_chk")
}
