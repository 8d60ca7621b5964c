package liquibase

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// changes are the changes that are translated to the statements that Liquibase 4.33 sends to Postgres.
var changes = newChangeTranslators()

// ignored are the elements of a changeset that send nothing to the tables of a project.
var ignored = map[string]bool{
	"comment": true, "rollback": true, "preConditions": true, "validCheckSum": true, "tagDatabase": true, "output": true, "empty": true,
	"precondition": true, "stop": true,
}

// addRename adds ALTER … RENAME TO.
func (c *changeSet) addRename(e *element, kind, oldName, newName string) {
	c.addPart(e, fmt.Sprintf("ALTER %s %s RENAME TO %s", kind, qualifyName(e.getText("schemaName"), e.getText(oldName)), quoteName(e.getText(newName))))
}

// newChangeTranslators makes the table of changes.
func newChangeTranslators() map[string]func(c *changeSet, e *element) {
	return map[string]func(c *changeSet, e *element){
		"createTable": translateCreateTable, "addColumn": addColumns, "sql": addSQL, "sqlFile": addSQLFile, "createProcedure": createProcedure,
		"createView": createView, "insert": insertRow, "update": updateRows, "delete": deleteRows, "createIndex": createIndex,
		"addForeignKeyConstraint": addForeignKey, "addUniqueConstraint": addUnique, "addPrimaryKey": addPrimaryKey,
		"addNotNullConstraint": addNotNull, "addDefaultValue": addDefault, "createSequence": createSequence, "alterSequence": alterSequence,
		"addAutoIncrement": addAutoIncrement, "mergeColumns": mergeColumns, "addLookupTable": addLookupTable, "dropColumn": dropColumns,
		"dropPrimaryKey": dropPrimaryKey, "createFunction": createProcedure,
		"dropTable": func(c *changeSet, e *element) {
			c.addPart(e, "DROP TABLE "+tableOf(e)+suffixIf(e.isTrue("cascadeConstraints"), " CASCADE"))
		},
		"renameTable":    func(c *changeSet, e *element) { c.addRename(e, "TABLE", "oldTableName", "newTableName") },
		"renameView":     func(c *changeSet, e *element) { c.addRename(e, "TABLE", "oldViewName", "newViewName") },
		"renameSequence": func(c *changeSet, e *element) { c.addRename(e, "SEQUENCE", "oldSequenceName", "newSequenceName") },
		"renameColumn": func(c *changeSet, e *element) {
			c.alterTable(e, "RENAME COLUMN %s TO %s", quoteName(e.getText("oldColumnName")), quoteName(e.getText("newColumnName")))
		},
		"modifyDataType": func(c *changeSet, e *element) {
			name, kind := quoteName(e.getText("columnName")), translateType(e.getText("newDataType")).sql
			c.alterTable(e, "ALTER COLUMN %s TYPE %s USING (%s::%s)", name, kind, name, kind)
		},
		"dropNotNullConstraint": func(c *changeSet, e *element) {
			c.alterTable(e, "ALTER COLUMN  %s DROP NOT NULL", quoteName(e.getText("columnName")))
		},
		"dropDefaultValue": func(c *changeSet, e *element) {
			c.alterTable(e, "ALTER COLUMN %s DROP DEFAULT", quoteName(e.getText("columnName")))
		},
		"dropForeignKeyConstraint": func(c *changeSet, e *element) {
			table := qualifyName(e.getText("baseTableSchemaName"), e.getText("baseTableName"))
			c.addPart(e, "ALTER TABLE "+table+" DROP CONSTRAINT "+quoteName(e.getText("constraintName")))
		},
		"dropUniqueConstraint": func(c *changeSet, e *element) {
			c.alterTable(e, "DROP CONSTRAINT %s", quoteName(e.getText("constraintName")))
		},
		"dropIndex": func(c *changeSet, e *element) {
			c.addPart(e, "DROP INDEX "+qualifyName(e.getText("schemaName"), e.getText("indexName")))
		},
		"dropView": func(c *changeSet, e *element) {
			c.addPart(e, "DROP VIEW "+suffixIf(e.isTrue("ifExists"), "IF EXISTS ")+qualifyName(e.getText("schemaName"), e.getText("viewName")))
		},
		"dropSequence": func(c *changeSet, e *element) {
			c.addPart(e, "DROP SEQUENCE "+qualifyName(e.getText("schemaName"), e.getText("sequenceName"))+" CASCADE")
		},
		"dropProcedure": func(c *changeSet, e *element) {
			c.addPart(e, "DROP PROCEDURE "+qualifyName(e.getText("schemaName"), e.getText("procedureName")))
		},
		"setTableRemarks": func(c *changeSet, e *element) {
			c.addPart(e, "COMMENT ON TABLE "+tableOf(e)+" IS "+quoteText(e.getText("remarks")))
		},
		"setColumnRemarks": func(c *changeSet, e *element) {
			c.addPart(e, "COMMENT ON COLUMN "+tableOf(e)+"."+quoteName(e.getText("columnName"))+" IS "+quoteText(e.getText("remarks")))
		},
	}
}

func suffixIf(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

// alterTable adds an ALTER TABLE of the change's table.
func (c *changeSet) alterTable(e *element, format string, values ...any) {
	c.addPart(e, "ALTER TABLE "+tableOf(e)+" "+fmt.Sprintf(format, values...))
}

// addChange adds the statements of a change.
func (c *changeSet) addChange(e *element) {
	translate := changes[e.name]
	switch {
	case ignored[e.name]:
	case e.name == "modifySql":
		if isForPostgres(e.getText("dbms")) {
			c.addOpaque(e, "it changes the SQL of the whole changeset when it runs")
		}
	case translate == nil:
		c.addOpaque(e, "what it sends is known only when it runs")
	default:
		x := c.fillAttributes(e)
		if name := findUnknownProperty(x); name != "" {
			c.addOpaque(e, "the value of "+name+" is given when Liquibase runs")
			return
		}
		translate(c, x)
	}
}

// literals are attributes with a text, in which Liquibase leaves a property without a value as it is.
var literals = map[string]bool{"sql": true, "remarks": true, "path": true, "value": true, "defaultValue": true, "selectQuery": true}

// findUnknownProperty returns a property without a value in the attributes of a change that are no schema; "" for none.
func findUnknownProperty(e *element) string {
	for k, v := range e.attributes {
		if index := strings.Index(v, "${"); index >= 0 && !strings.Contains(strings.ToLower(k), "schema") && !literals[k] {
			name, _, _ := strings.Cut(v[index:], "}")
			return name + "}"
		}
	}
	return ""
}

// addSQL adds the text of the author.
func addSQL(c *changeSet, e *element) {
	if isForPostgres(e.getText("dbms")) {
		c.addText(e, e.readContent("sql"), e.textStart, e.isFalse("splitStatements"))
	}
}

// addSQLFile adds the text of a file.
func addSQLFile(c *changeSet, e *element) {
	if !isForPostgres(e.getText("dbms")) {
		return
	}
	if text, ok := c.readNamedFile(e); ok {
		c.addText(e, text, -1, e.isFalse("splitStatements"))
	}
}

// readNamedFile reads the file that a change names.
func (c *changeSet) readNamedFile(e *element) (string, bool) {
	p := resolveFile(c.tree, c.m.Path, e.getText("path"), e.isTrue("relativeToChangelogFile"))
	if p == "" {
		c.addOpaque(e, "the repository does not have "+e.getText("path"))
		return "", false
	}
	f := adapter.ReadFile(c.tree, p)
	f.FillNames()
	if c.read += len(f.Text); f.Failed != "" || c.read > maxRead {
		c.addOpaque(e, p+" is not read: "+f.Failed)
		return "", false
	}
	return f.Text, true
}

func createProcedure(c *changeSet, e *element) {
	if !isForPostgres(e.getText("dbms")) {
		return
	}
	if e.hasAttribute("path") {
		if text, ok := c.readNamedFile(e); ok {
			c.addText(e, text, -1, true)
		}
		return
	}
	c.addText(e, e.readContent("procedureText"), e.textStart, true)
}

func createView(c *changeSet, e *element) {
	text := e.readContent("selectQuery")
	if e.hasAttribute("path") {
		var ok bool
		if text, ok = c.readNamedFile(e); !ok {
			return
		}
	}
	text = strings.TrimSuffix(strings.TrimSpace(c.fillText(text)), ";")
	if !e.isTrue("fullDefinition") {
		view := qualifyName(e.getText("schemaName"), e.getText("viewName"))
		text = "CREATE " + suffixIf(e.isTrue("replaceIfExists"), "OR REPLACE ") + "VIEW " + view + " AS " + text
	}
	c.addPart(e, text)
}

func dropColumns(c *changeSet, e *element) {
	if e.hasAttribute("columnName") {
		c.alterTable(e, "DROP COLUMN %s", quoteName(e.getText("columnName")))
	}
	for _, k := range e.listChildren("column") {
		k = c.fillAttributes(k)
		c.addPart(k, "ALTER TABLE "+tableOf(e)+" DROP COLUMN "+quoteName(k.getText("name")))
	}
}

func createSequence(c *changeSet, e *element) {
	sql := "CREATE SEQUENCE  IF NOT EXISTS " + qualifyName(e.getText("schemaName"), e.getText("sequenceName"))
	if kind := e.getText("dataType"); kind != "" {
		sql += " AS " + kind
	}
	if start := e.getText("startValue"); start != "" {
		sql += " START WITH " + start
	}
	c.addPart(e, sql+sequenceOptions(e))
}

func alterSequence(c *changeSet, e *element) {
	c.addPart(e, "ALTER SEQUENCE "+qualifyName(e.getText("schemaName"), e.getText("sequenceName"))+sequenceOptions(e))
}

// sequenceOptions writes the options that CREATE and ALTER share.
func sequenceOptions(e *element) (sql string) {
	for _, o := range [][2]string{{"incrementBy", "INCREMENT BY"}, {"minValue", "MINVALUE"}, {"maxValue", "MAXVALUE"}, {"cacheSize", "CACHE"}} {
		if v := e.getText(o[0]); v != "" {
			sql += " " + o[1] + " " + v
		}
	}
	return sql + suffixIf(e.isTrue("cycle"), " CYCLE")
}
