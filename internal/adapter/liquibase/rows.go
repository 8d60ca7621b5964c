package liquibase

import (
	"slices"
	"strings"
)

// readColumnValues reads the columns of a change that writes rows; false if a value is known only when Liquibase runs.
func (c *changeSet) readColumnValues(e *element) (names, values []string, ok bool) {
	for _, k := range e.listChildren("column") {
		k = c.fillAttributes(k)
		if k.text != "" && !k.hasAttribute("value") {
			k.attributes["value"] = c.fillText(k.text)
		}
		if name := findUnknownProperty(k); name != "" {
			c.addOpaque(e, "the value of "+name+" is given when Liquibase runs")
			return nil, nil, false
		}
		value, hasValue, reason := formatAttributeValue(k, "value", columnType{})
		if reason != "" {
			c.addOpaque(e, reason)
			return nil, nil, false
		}
		if !hasValue {
			value = "NULL"
		}
		names, values = append(names, quoteName(k.getText("name"))), append(values, value)
	}
	return names, values, true
}

func insertRow(c *changeSet, e *element) {
	if names, values, ok := c.readColumnValues(e); ok && isForPostgres(e.getText("dbms")) {
		c.addPart(e, "INSERT INTO "+tableOf(e)+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(values, ", ")+")")
	}
}

func updateRows(c *changeSet, e *element) {
	names, values, ok := c.readColumnValues(e)
	where, known := c.readWhere(e)
	if !ok || !known {
		return
	}
	for i := range names {
		names[i] += " = " + values[i]
	}
	slices.Sort(names) // as Liquibase does
	c.addPart(e, "UPDATE "+tableOf(e)+" SET "+strings.Join(names, ", ")+where)
}

func deleteRows(c *changeSet, e *element) {
	if where, known := c.readWhere(e); known {
		c.addPart(e, "DELETE FROM "+tableOf(e)+where)
	}
}

// readWhere writes the condition of a change; false if it is known only when Liquibase runs.
func (c *changeSet) readWhere(e *element) (string, bool) {
	where := c.fillText(e.getText("where"))
	if e.firstChild("whereParams") != nil || strings.Contains(where, "${") {
		c.addOpaque(e, "its condition has values that are given when it runs")
		return "", false
	}
	if where == "" {
		return "", true
	}
	return " WHERE " + where, true
}
