package advice

import "strings"

// The queries that find, in production, rows that a statement will not take. Names are
// those of SQL: quoted where they have to be.

// Duplicates finds what several rows have in columns in which no two may agree. where is
// the condition of a partial index, "" for none.
func Duplicates(table string, keys []string, where string) string {
	list := strings.Join(keys, ", ")
	if where != "" {
		where = " WHERE " + where
	}
	return "SELECT " + list + ", count(*) FROM " + table + where + " GROUP BY " + list + " HAVING count(*) > 1;"
}

// Orphans finds the rows that refer to nothing.
func Orphans(table string, columns []string, other string, target []string) string {
	var where, same []string
	for i, c := range columns {
		where = append(where, "a."+c+" IS NOT NULL")
		same = append(same, "b."+target[i]+" = a."+c)
	}
	return "SELECT * FROM " + table + " a WHERE " + strings.Join(where, " AND ") +
		" AND NOT EXISTS (SELECT FROM " + other + " b WHERE " + strings.Join(same, " AND ") + ");"
}

// Rows finds the rows for which a condition holds.
func Rows(table, condition string) string {
	return "SELECT * FROM " + table + " WHERE " + condition + ";"
}
