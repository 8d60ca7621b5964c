package violation

import "strings"

// These functions return queries that find, in production, the rows that a statement
// would refuse. Names must be quoted for SQL already.

// SelectDuplicates finds values that occur in several rows, for columns that must be unique.
// condition is the one of a partial index, "" for none.
func SelectDuplicates(table string, keys []string, condition string) string {
	list := strings.Join(keys, ", ")
	if condition != "" {
		condition = " WHERE " + condition
	}
	return "SELECT " + list + ", count(*) FROM " + table + condition + " GROUP BY " + list + " HAVING count(*) > 1;"
}

// SelectOrphans finds the rows that reference no existing row.
func SelectOrphans(table string, columns []string, other string, target []string) string {
	var conditions, joinConditions []string
	for i, c := range columns {
		conditions = append(conditions, "a."+c+" IS NOT NULL")
		joinConditions = append(joinConditions, "b."+target[i]+" = a."+c)
	}
	return "SELECT * FROM " + table + " a WHERE " + strings.Join(conditions, " AND ") +
		" AND NOT EXISTS (SELECT FROM " + other + " b WHERE " + strings.Join(joinConditions, " AND ") + ");"
}

// SelectRows finds the rows that meet a condition.
func SelectRows(table, condition string) string {
	return "SELECT * FROM " + table + " WHERE " + condition + ";"
}
