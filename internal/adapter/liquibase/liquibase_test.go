package liquibase_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/liquibase"
)

// The project is compared with its description. Damage is not tried here: a file has several changesets.
func TestProject(t *testing.T) {
	t.Parallel()
	adaptertest.Compare(t, liquibase.Adapter, "testdata/shop")
}

const (
	head = `<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog">`
	foot = `</databaseChangeLog>`
)

// read loads a changelog. It returns the statements, one a line, and the reports.
func read(t *testing.T, files map[string]string) (statements, reports string) {
	t.Helper()
	var sql, messages strings.Builder
	tree := adaptertest.Text(files)
	for _, s := range liquibase.Adapter.Detect(tree) {
		set, err := liquibase.Adapter.Load(t.Context(), tree, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range set.Opaque {
			messages.WriteString(o.What + ": " + o.Why + "\n")
		}
		for _, m := range set.Migrations {
			for _, p := range m.Source.Parts {
				sql.WriteString(p.SQL + "\n")
			}
			for _, o := range m.Opaque {
				messages.WriteString(o.What + ": " + o.Why + "\n")
			}
			for _, p := range m.Problems {
				messages.WriteString(p.Message + "\n")
			}
		}
	}
	return sql.String(), messages.String()
}

// XML from strangers: no entity is replaced but XML's own, and no file outside of the repository is read.
func TestEntities(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, statements, reports string }{
		"XML's own": {head + `<changeSet id="1" author="a"><sql>SELECT 1 &lt; 2</sql></changeSet>` + foot, "SELECT 1 < 2\n", ""},
		"an entity of the document": {
			`<!DOCTYPE x [<!ENTITY a "SELECT 1">]>` + head + `<changeSet id="1" author="a"><sql>&a;</sql></changeSet>` + foot, "", "invalid character entity &a;",
		},
		"a file": {
			`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + head + `<changeSet id="1" author="a"><sql>&a;</sql></changeSet>` + foot, "",
			"invalid character entity",
		},
		"a file of SQL": {
			head + `<changeSet id="1" author="a"><sqlFile path="../../../etc/passwd" relativeToChangelogFile="true"/></changeSet>` + foot, "",
			"the repository does not have",
		},
		"not closed": {head + `<changeSet id="1" author="a"><sql>SELECT 1</changeSet>` + foot, "", "closes nothing"},
		"a body that is cut": {
			head + `<changeSet id="1" author="a"><sql>DO $$ BEGIN PERFORM 1; END; $$;</sql></changeSet>` + foot, "DO $$ BEGIN PERFORM 1; END; $$;\n", "inside a body",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := head + `<changeSet id="0" author="a"><empty/></changeSet><include file="changelog/x.xml"/>` + foot
			statements, reports := read(t, map[string]string{"db/changelog.xml": root, "db/changelog/x.xml": c.text})
			if statements != c.statements || !strings.Contains(reports, c.reports) || c.reports == "" && reports != "" {
				t.Errorf("%q, reports %q", statements, reports)
			}
		})
	}
}

// Changelogs that are made to be slow, or large in memory.
func TestHostile(t *testing.T) {
	t.Parallel()
	const size = 1 << 18
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	changeSetXML := `<changeSet id="1" author="a"><sql>SELECT 1</sql></changeSet>`
	for name, c := range map[string]struct{ name, text string }{
		"nested":         {"x.xml", head + repeat("<a>")},
		"nested, closed": {"x.xml", head + strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000) + foot},
		"changesets":     {"x.xml", head + repeat(changeSetXML) + foot},
		"on lines":       {"x.xml", head + repeat(changeSetXML+"\n") + foot},
		"texts":          {"x.xml", head + `<changeSet id="1" author="a"><sql>` + repeat("a<!-- -->") + `</sql></changeSet>` + foot},
		"attributes":     {"x.xml", head + `<changeSet id="1" author="a" ` + repeat(`a="" `) + `/>` + foot},
		"values": {
			"x.xml", head + `<property name="a" value="` + strings.Repeat("x", 10_000) + `"/><changeSet id="1" author="a"><sql>` + repeat("${a}") +
				`</sql></changeSet>` + foot,
		},
		"dollars":           {"x.xml", head + `<changeSet id="1" author="a"><sql>` + repeat("${") + `</sql></changeSet>` + foot},
		"itself":            {"x.xml", head + repeat(`<include file="changelog.xml"/>`) + changeSetXML + foot},
		"all":               {"x.xml", head + strings.Repeat(`<includeAll path="db"/>`, 1000) + changeSetXML + foot},
		"nested YAML":       {"x.yaml", "databaseChangeLog: " + repeat("[")},
		"deep YAML":         {"x.yaml", "databaseChangeLog:\n" + strings.Repeat("- ", 20_000)},
		"aliases":           {"x.yaml", "databaseChangeLog: [&a [x,x], " + repeat("*a,") + "]"},
		"YAML's changesets": {"x.yaml", "databaseChangeLog:\n" + repeat("- changeSet: {id: 1, author: a, changes: [{sql: {sql: SELECT 1}}]}\n")},
		"YAML's comments":   {"x.yaml", "databaseChangeLog:\n" + repeat("#\n") + "- x: y\n"},
		"formatted":         {"x.sql", "--liquibase formatted sql\n" + repeat("--changeset a:1\nSELECT 1;\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			root := head + `<include file="db/changelog/` + c.name + `"/>` + changeSetXML + foot
			statements, reports := read(t, map[string]string{"db/changelog.xml": root, "db/changelog/" + c.name: c.text})
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v, want at most 10s", took)
			} else {
				t.Logf("%v, %d statements, %d bytes of reports", took, strings.Count(statements, "\n"), len(reports))
			}
		})
	}
}

// What is found, and in which directory.
func TestRoots(t *testing.T) {
	t.Parallel()
	set := `<changeSet id="1" author="a"><sql>SELECT 1</sql></changeSet>`
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"one file": {map[string]string{"src/main/resources/db/changelog.xml": head + set + foot}, "src/main/resources/db"},
		"only SQL": {map[string]string{
			"db/changelog/m.xml": head + `<include file="db/changelog/a.sql"/>` + foot, "db/changelog/a.sql": "--liquibase formatted sql\n",
		}, ""},
		"a module each": {map[string]string{
			"a/db/changelog.xml": head + set + foot, "b/db/changelog.yaml": "databaseChangeLog: [{changeSet: {id: 1}}]",
		}, "a/db b/db"},
		"too deep":         {map[string]string{"db/changelog.xml": head + strings.Repeat("<a>", 200)}, "db"},
		"no changelog":     {map[string]string{"db/changelog.yaml": "a: databaseChangeLog", "db/changelog.xml": "<a>databaseChangeLog</a>"}, ""},
		"another database": {map[string]string{"db/oracle/changelog.xml": head + strings.ReplaceAll(set, "id=", `dbms="oracle" id=`) + foot}, "db/oracle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, s := range liquibase.Adapter.Detect(adaptertest.Text(c.files)) {
				got = append(got, s.Dir)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	var _ adapter.Adapter = liquibase.Adapter
}

// TestWrittenValues: a value in place of NULL has quotes whatever its type, and the kind of an identity column is as it is written.
func TestWrittenValues(t *testing.T) {
	t.Parallel()
	got, _ := read(t, map[string]string{"db/changelog.xml": head + `<changeSet id="1" author="a">
<addNotNullConstraint tableName="t" columnName="a" columnDataType="int" defaultNullValue="0"/>
<addNotNullConstraint tableName="t" columnName="b" columnDataType="boolean" defaultNullValue="true"/>
<addColumn tableName="t"><column name="c" type="bigint" autoIncrement="true" generationType="ALWAYS"/></addColumn>
<addColumn tableName="t"><column name="d" type="bigint" autoIncrement="true" generationType="by default"/></addColumn>
<addColumn tableName="t"><column name="e" type="bigint" autoIncrement="true"/></addColumn>
</changeSet>` + foot})
	const want = `UPDATE t SET a = '0' WHERE a IS NULL
ALTER TABLE t ALTER COLUMN  a SET NOT NULL
UPDATE t SET b = 'TRUE' WHERE b IS NULL
ALTER TABLE t ALTER COLUMN  b SET NOT NULL
ALTER TABLE t ADD c BIGINT GENERATED ALWAYS AS IDENTITY
ALTER TABLE t ADD d BIGINT GENERATED BY DEFAULT AS IDENTITY
ALTER TABLE t ADD e BIGINT GENERATED BY DEFAULT AS IDENTITY
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
