package liquibase

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// createIndex adds the CREATE INDEX of a createIndex change.
func createIndex(c *changeSet, e *element) {
	for mark := range strings.SplitSeq(e.getText("associatedWith"), ",") {
		if slices.Contains([]string{"primaryKey", "uniqueConstraint", "foreignKey"}, strings.TrimSpace(mark)) {
			return // Liquibase takes it for the index of the constraint
		}
	}
	var columns []string
	for _, k := range e.listChildren("column") {
		k = c.fillAttributes(k)
		name := k.getText("name")
		if !k.isTrue("computed") && !strings.Contains(name, "(") {
			name = quoteName(name)
		}
		columns = append(columns, name+suffixIf(k.isTrue("descending"), " DESC"))
	}
	sql := "CREATE " + suffixIf(e.isTrue("unique"), "UNIQUE ") + "INDEX " + suffixIf(e.isTrue("ifNotExists"), "IF NOT EXISTS ")
	if name := e.getText("indexName"); name != "" {
		sql += quoteName(name) + " "
	}
	sql += "ON " + tableOf(e) + "(" + strings.Join(columns, ", ") + ")"
	if space := e.getText("tablespace"); space != "" {
		sql += " TABLESPACE " + space
	}
	c.addPart(e, sql)
}

// addForeignKey adds the ALTER TABLE … ADD CONSTRAINT … FOREIGN KEY of an addForeignKeyConstraint change.
func addForeignKey(c *changeSet, e *element) {
	table := qualifyName(e.getText("baseTableSchemaName"), e.getText("baseTableName"))
	sql := fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s (%s)", table,
		quoteName(e.getText("constraintName")), joinNames(e.getText("baseColumnNames")),
		qualifyName(e.getText("referencedTableSchemaName"), e.getText("referencedTableName")), joinNames(e.getText("referencedColumnNames")))
	if action := e.getText("onUpdate"); action != "" {
		sql += " ON UPDATE " + action
	}
	if action := e.getText("onDelete"); action != "" {
		sql += " ON DELETE " + action
	} else if e.isTrue("deleteCascade") {
		sql += " ON DELETE CASCADE"
	}
	c.addPart(e, sql+writeDeferral(e)+suffixIf(e.isFalse("validate"), " NOT VALID"))
}

// writeDeferral writes when a constraint is checked.
func writeDeferral(e *element) string {
	return suffixIf(e.isTrue("deferrable") || e.isTrue("initiallyDeferred"), " DEFERRABLE") + suffixIf(e.isTrue("initiallyDeferred"), " INITIALLY DEFERRED")
}

// addKeyConstraint adds a constraint of columns.
func addKeyConstraint(c *changeSet, e *element, kind, more string) {
	sql := "ADD "
	if name := e.getText("constraintName"); name != "" {
		sql += "CONSTRAINT " + quoteName(name) + " "
	}
	c.addPart(e, "ALTER TABLE "+tableOf(e)+" "+sql+kind+" ("+joinNames(e.getText("columnNames"))+")"+more)
}

// addUnique adds a unique constraint. For an index, Liquibase writes what Postgres refuses.
func addUnique(c *changeSet, e *element) {
	more := writeDeferral(e)
	if index := e.getText("forIndexName"); index != "" {
		more += " USING INDEX " + quoteName(index)
	}
	addKeyConstraint(c, e, "UNIQUE", more)
}

func addPrimaryKey(c *changeSet, e *element) { addKeyConstraint(c, e, "PRIMARY KEY", "") }

func dropPrimaryKey(c *changeSet, e *element) {
	if e.getText("constraintName") == "" {
		c.addOpaque(e, "Liquibase looks the name of the constraint up when it runs")
		return
	}
	c.alterTable(e, "DROP CONSTRAINT %s", quoteName(e.getText("constraintName")))
}

func addNotNull(c *changeSet, e *element) {
	name := quoteName(e.getText("columnName"))
	if e.hasAttribute("defaultNullValue") {
		value := e.getText("defaultNullValue")
		switch t := translateType(e.getText("columnDataType")); {
		case currentTime.MatchString(value):
			value = "NOW()"
		case typeNames[t.base] == "BOOLEAN":
			value = quoteText(writeBoolean(value))
		default: // a number has quotes, too
			value = quoteText(value)
		}
		c.addPart(e, fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s IS NULL", tableOf(e), name, value, name))
	}
	c.alterTable(e, "ALTER COLUMN  %s SET NOT NULL", name)
}

func addDefault(c *changeSet, e *element) {
	name := quoteName(e.getText("columnName"))
	value, ok, reason := formatAttributeValue(e, "defaultValue", columnType{})
	if !ok {
		c.addOpaque(e, cmp.Or(reason, "it has no default"))
		return
	}
	c.alterTable(e, "ALTER COLUMN  %s SET DEFAULT %s", name, value)
	if sequence := e.getText("defaultValueSequenceNext"); sequence != "" {
		c.addPart(e, "ALTER SEQUENCE "+qualifyName("", sequence)+" OWNED BY "+tableOf(e)+"."+name)
	}
}

// addAutoIncrement makes a column count by itself, with a sequence that belongs to it.
func addAutoIncrement(c *changeSet, e *element) {
	name := quoteName(e.getText("columnName"))
	sequence := qualifyName(e.getText("schemaName"), e.getText("tableName")+"_"+e.getText("columnName")+"_seq")
	sql := "CREATE SEQUENCE  IF NOT EXISTS " + sequence
	if start := e.getText("startWith"); start != "" {
		sql += " START WITH " + start
	}
	if increment := e.getText("incrementBy"); increment != "" {
		sql += " INCREMENT BY " + increment
	}
	c.addPart(e, sql)
	c.alterTable(e, "ALTER COLUMN  %s SET NOT NULL", name)
	c.alterTable(e, "ALTER COLUMN  %s SET DEFAULT nextval(%s)", name, quoteText(sequence))
	c.addPart(e, "ALTER SEQUENCE "+sequence+" OWNED BY "+tableOf(e)+"."+name)
}

func mergeColumns(c *changeSet, e *element) {
	first, second, final := quoteName(e.getText("column1Name")), quoteName(e.getText("column2Name")), quoteName(e.getText("finalColumnName"))
	c.alterTable(e, "ADD %s %s", final, translateType(e.getText("finalColumnType")).sql)
	c.addPart(e, fmt.Sprintf("UPDATE %s SET %s = %s || %s || %s", tableOf(e), final, first, quoteText(e.getText("joinString")), second))
	c.alterTable(e, "DROP COLUMN %s", first)
	c.alterTable(e, "DROP COLUMN %s", second)
}

func addLookupTable(c *changeSet, e *element) {
	from, column := qualifyName(e.getText("existingTableSchemaName"), e.getText("existingTableName")), quoteName(e.getText("existingColumnName"))
	to, key := qualifyName(e.getText("newTableSchemaName"), e.getText("newTableName")), quoteName(e.getText("newColumnName"))
	c.addPart(e, fmt.Sprintf("CREATE TABLE %s AS SELECT DISTINCT %s AS %s FROM %s WHERE %s IS NOT NULL", to, column, key, from, column))
	c.addPart(e, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN  %s SET NOT NULL", to, key))
	c.addPart(e, fmt.Sprintf("ALTER TABLE %s ADD PRIMARY KEY (%s)", to, key))
	name := e.getText("constraintName")
	if name == "" {
		name = "FK_" + e.getText("existingTableName") + "_" + e.getText("newTableName")
	}
	c.addPart(e, fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s (%s)", from, quoteName(name), column, to, key))
}
