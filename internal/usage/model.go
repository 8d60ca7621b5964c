package usage

import (
	"bytes"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Each mapper's declarations are read in a file of its own. A sign is a text that every
// file with such declarations has: most files are not read a second time.

// mapper reads declarations in files with some extensions.
type mapper struct {
	endings []string
	signs   []string
	read    func(r *reader)
}

// scripts are the extensions of JavaScript and TypeScript.
var scripts = []string{".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx"}

var mappers = []mapper{
	{[]string{".go"}, []string{"gorm", "bun.", "db:\"", "TableName()", "ent.Schema", "pg:\""}, readGoModels},
	{[]string{".py"}, []string{"__tablename__", "table=True", "__table__", "models.Model", "Table(", "db_table", "table_name", "Mapped[", "Column("}, pythonModels},
	{scripts, []string{
		"@Entity", "pgTable", "pgSchema(", ".table(", "Table(", "tableName",
		".define(", ".init(", "Column(", "@Property(", "@PrimaryKey(", "@Column", "@DeletedAt", "@CreatedAt", "@UpdatedAt",
	}, scriptModels},
	{scripts, []string{"z.object(", "from 'zod'", "from \"zod\""}, zodModels},
	{[]string{".prisma"}, []string{"model "}, prismaModels},
	{[]string{".rb"}, []string{
		"Record", "Sequel::Model", "table_name", "isolate_namespace", "ignored_columns",
		"belongs_to", "has_many", "validates", "enum ", "scope :",
	}, rubyModels},
	{[]string{".ex"}, []string{"schema \""}, ectoModels},
	{[]string{".java", ".kt", ".scala", ".groovy"}, []string{"@Entity", "@Table", "@MappedEntity", "@MappedSuperclass", "Table("}, jvmModels},
	{[]string{".java", ".kt", ".scala", ".groovy"}, []string{"SequenceGenerator", "GeneratedValue", "@GenericGenerator"}, jvmSequences},
	{[]string{".cs"}, []string{"[Table(", "ToTable("}, csharpModels},
	{[]string{".xml"}, []string{"<hibernate-mapping"}, hibernateModels},
	{[]string{".rs"}, []string{"table!", "table_name", "#[table"}, rustModels},
	{[]string{".php"}, []string{"ORM\\Table", "ORM\\Entity", "$table"}, phpModels},
}

// readModels reads what the file declares to its mapper.
func (r *reader) readModels() {
	ext := path.Ext(r.path)
	for _, m := range mappers {
		for _, e := range m.endings {
			if e != ext {
				continue
			}
			for _, sign := range m.signs {
				if bytes.Contains(r.text, []byte(sign)) {
					m.read(r)
					break
				}
			}
		}
	}
}

// eachLine calls f for each line of the file, with its number, its indentation and its text
// without surrounding space.
func (r *reader) eachLine(f func(number, indent int, line string)) {
	number := 0
	for line := range strings.Lines(string(r.text)) {
		number++
		trimmed := strings.TrimSpace(line)
		f(number, len(line)-len(strings.TrimLeft(line, " \t")), trimmed)
	}
}

// addModel adds a model that has a table or fields.
func (r *reader) addModel(m *Model) {
	if m == nil || m.Table == "" && m.Class == "" {
		return
	}
	m.unmark()
	if schema, table, ok := strings.Cut(m.Table, "."); ok && m.Schema == "" {
		m.Schema, m.Table = schema, table
	}
	r.facts.Models = append(r.facts.Models, *m)
}

// firstGroup returns the first non-empty group of a pattern in a line; "" for none.
func firstGroup(p *lazyregexp.Regexp, line string) string {
	m := p.FindStringSubmatch(line)
	for i := 1; i < len(m); i++ {
		if m[i] != "" {
			return m[i]
		}
	}
	return ""
}

// isComment reports whether a line is a comment.
func isComment(line string) bool {
	return strings.HasPrefix(line, "//") || strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "#[") || strings.HasPrefix(line, "*") ||
		strings.HasPrefix(line, "/*") || strings.HasPrefix(line, "-- ")
}
