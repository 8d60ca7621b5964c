package liquibase

import (
	"fmt"
	"strings"
)

// column is a column of createTable or addColumn.
type column struct {
	*element
	constraints  *element // never nil
	name         string
	kind         columnType
	defaultValue string
	// why says why its type or default is not known; "" if both are.
	why string
}

func (c *changeSet) readColumns(e *element) (out []*column) {
	for _, x := range e.listChildren("column") {
		k := &column{element: c.fillAttributes(x), name: quoteName(c.fillText(x.getText("name"))), kind: translateType(c.fillText(x.getText("type")))}
		if k.constraints = x.firstChild("constraints"); k.constraints == nil {
			k.constraints = newElement("constraints")
		}
		k.constraints = c.fillAttributes(k.constraints)
		var reason string
		if k.defaultValue, _, reason = formatAttributeValue(k.element, "defaultValue", k.kind); reason != "" || k.kind.sql == "" {
			k.why = "its columns are known only when it runs"
		}
		out = append(out, k)
	}
	return out
}

// fillAttributes returns an element with the values of properties.
func (c *changeSet) fillAttributes(e *element) *element {
	out := *e
	out.attributes = make(map[string]string, len(e.attributes))
	for k, v := range e.attributes {
		out.attributes[k] = c.fillText(v)
	}
	return &out
}

// writeDefinition writes the column without its key.
func (k *column) writeDefinition() string {
	sql := k.name + " " + k.kind.sql
	if k.defaultValue != "" && !k.isCounter() {
		sql += " DEFAULT " + k.defaultValue
	}
	if k.isCounter() {
		sql += " GENERATED " + k.generationKind() + " AS IDENTITY" + k.writeSequence()
	}
	if k.constraints.isFalse("nullable") || k.constraints.isTrue("primaryKey") {
		sql += " NOT NULL"
	}
	return sql
}

func (k *column) isCounter() bool { return k.isTrue("autoIncrement") || k.kind.counts }

func (k *column) generationKind() string {
	if g := strings.ToUpper(k.getText("generationType")); g != "" {
		return g
	}
	return "BY DEFAULT"
}

// writeSequence writes the options of a column that counts.
func (k *column) writeSequence() string {
	var options []string
	if v := k.getText("startWith"); v != "" {
		options = append(options, "START WITH "+v)
	}
	if v := k.getText("incrementBy"); v != "" {
		options = append(options, "INCREMENT BY "+v)
	}
	if options == nil {
		return ""
	}
	return " (" + strings.Join(options, " ") + ")"
}

// writeReference writes the table and the columns that a foreign key of the column refers to; "" for none.
func (k *column) writeReference() string {
	x := k.constraints
	if x.getText("foreignKeyName") == "" {
		return ""
	}
	schema := x.getText("referencedTableSchemaName")
	if table := x.getText("referencedTableName"); table != "" {
		return qualifyName(schema, table) + "(" + joinNames(x.getText("referencedColumnNames")) + ")"
	}
	table, columns, found := strings.Cut(x.getText("references"), "(")
	if !found {
		return ""
	}
	return qualifyName(schema, strings.TrimSpace(table)) + "(" + joinNames(strings.TrimSuffix(strings.TrimSpace(columns), ")")) + ")"
}

// writeForeignKey writes the rest of a constraint after its columns.
func (k *column) writeForeignKey() string {
	sql := fmt.Sprintf("CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s", quoteName(k.constraints.getText("foreignKeyName")), k.name, k.writeReference())
	if k.constraints.isTrue("deleteCascade") {
		sql += " ON DELETE CASCADE"
	}
	if k.constraints.isTrue("initiallyDeferred") {
		sql += " INITIALLY DEFERRED"
	}
	if k.constraints.isTrue("deferrable") {
		sql += " DEFERRABLE"
	}
	return sql
}

// writeUnique writes a unique constraint of the column; "" for none.
func (k *column) writeUnique() string {
	if !k.constraints.isTrue("unique") {
		return ""
	}
	sql := "UNIQUE (" + k.name + ")"
	if name := k.constraints.getText("uniqueConstraintName"); name != "" {
		sql = "CONSTRAINT " + quoteName(name) + " " + sql
	}
	return sql
}

// translateCreateTable translates createTable.
func translateCreateTable(c *changeSet, e *element) {
	table := tableOf(e)
	var lines, keys, foreign, unique []string
	keyName := strings.ToLower(e.getText("tableName")) + "_pkey"
	if quoteName(e.getText("tableName"))[0] == '"' {
		keyName = e.getText("tableName") + "_pkey"
	}
	columns := c.readColumns(e)
	for _, k := range columns {
		if k.why != "" {
			c.addOpaque(e, k.why)
			return
		}
		lines = append(lines, k.writeDefinition())
		if k.constraints.isTrue("primaryKey") {
			keys = append(keys, k.name)
			if name := k.constraints.getText("primaryKeyName"); name != "" {
				keyName = name
			}
		}
		if k.writeReference() != "" {
			foreign = append(foreign, k.writeForeignKey())
		}
		if u := k.writeUnique(); u != "" {
			unique = append(unique, u)
		}
	}
	if keys != nil {
		lines = append(lines, "CONSTRAINT "+quoteName(keyName)+" PRIMARY KEY ("+strings.Join(keys, ", ")+")")
	}
	lines = append(append(lines, foreign...), unique...)
	head := "CREATE TABLE "
	if e.isTrue("ifNotExists") {
		head += "IF NOT EXISTS "
	}
	sql := head + table + " (" + strings.Join(lines, ", ") + ")"
	if space := e.getText("tablespace"); space != "" {
		sql += " TABLESPACE " + space
	}
	c.addPart(e, sql)
	if remarks := e.getText("remarks"); remarks != "" {
		c.addPart(e, "COMMENT ON TABLE "+table+" IS "+quoteText(remarks))
	}
	c.addRemarks(table, columns)
}

// isFilledBeforeNotNull reports whether Liquibase writes a value to the rows of a new column before it becomes NOT NULL.
func (k *column) isFilledBeforeNotNull() bool {
	_, hasValue, _ := formatAttributeValue(k.element, "value", k.kind)
	return hasValue && k.constraints.isFalse("nullable") && !k.constraints.isTrue("primaryKey")
}

// addRemarks adds the comments of columns.
func (c *changeSet) addRemarks(table string, columns []*column) {
	for _, k := range columns {
		if remarks := k.getText("remarks"); remarks != "" {
			c.addPart(k.element, "COMMENT ON COLUMN "+table+"."+k.name+" IS "+quoteText(remarks))
		}
	}
}

// addColumns translates addColumn.
func addColumns(c *changeSet, e *element) {
	table, columns := tableOf(e), c.readColumns(e)
	for _, k := range columns {
		if k.why != "" {
			c.addOpaque(e, k.why)
			continue
		}
		definition := k.writeDefinition()
		if k.isFilledBeforeNotNull() {
			definition = strings.TrimSuffix(definition, " NOT NULL")
		}
		if k.constraints.isTrue("primaryKey") {
			definition += " PRIMARY KEY"
		}
		c.addPart(k.element, "ALTER TABLE "+table+" ADD "+definition)
		if u := k.writeUnique(); u != "" {
			c.addPart(k.element, "ALTER TABLE "+table+" ADD "+u)
		}
		if k.writeReference() != "" {
			c.addPart(k.element, "ALTER TABLE "+table+" ADD "+k.writeForeignKey())
		}
	}
	for _, k := range columns {
		value, ok, reason := formatAttributeValue(k.element, "value", k.kind)
		if reason != "" {
			c.addOpaque(e, reason)
		}
		if ok {
			c.addPart(k.element, "UPDATE "+table+" SET "+k.name+" = "+value)
		}
		if ok && k.isFilledBeforeNotNull() {
			c.addPart(k.element, "ALTER TABLE "+table+" ALTER COLUMN  "+k.name+" SET NOT NULL")
		}
	}
	c.addRemarks(table, columns)
}

// tableOf writes the name of a change's table.
func tableOf(e *element) string {
	return qualifyName(e.getText("schemaName"), e.getText("tableName"))
}
