package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// tablePrivileges are the privileges on a table. A role with all of them has MAINTAIN from 17 on.
var tablePrivileges = []string{"select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain"}

// columnPrivileges are those on a column.
var columnPrivileges = []string{"select", "insert", "update", "references"}

// ListPrivileges returns the privileges that ALL means on a kind of object; nil if it is not known.
// https://www.postgresql.org/docs/current/ddl-priv.html
func ListPrivileges(kind pgparse.ObjectType) []string {
	switch kind {
	case pgparse.ObjectType_OBJECT_TABLE:
		return tablePrivileges
	case pgparse.ObjectType_OBJECT_SEQUENCE:
		return []string{"usage", "select", "update"}
	case pgparse.ObjectType_OBJECT_SCHEMA:
		return []string{"usage", "create"}
	case pgparse.ObjectType_OBJECT_DATABASE:
		return []string{"create", "connect", "temporary"}
	case pgparse.ObjectType_OBJECT_LARGEOBJECT:
		return []string{"select", "update"}
	case pgparse.ObjectType_OBJECT_PARAMETER_ACL:
		return []string{"set", "alter system"}
	}
	return nil
}

// privilegeText is a privilege in its parts: "select", "select (a, b)" or "select on tables".
type privilegeText struct {
	word    string
	columns []string
	class   string // of ALTER DEFAULT PRIVILEGES: "tables"
}

func parsePrivilege(text string) privilegeText {
	if word, list, ofColumns := strings.Cut(text, " ("); ofColumns {
		return privilegeText{word: word, columns: strings.Split(strings.TrimSuffix(list, ")"), ", ")}
	}
	word, class, _ := strings.Cut(text, " on ")
	return privilegeText{word: word, class: class}
}

func (p privilegeText) format(word string, columns []string) string {
	switch {
	case columns != nil:
		return word + " (" + strings.Join(columns, ", ") + ")"
	case p.class != "":
		return word + " on " + p.class
	}
	return word
}

// listRemaining returns the rest of a privilege after a REVOKE of another one. The rest of ALL is each of the other privileges. A REVOKE on a
// table takes those on columns, too, and one on columns leaves those on the table.
func (p privilegeText) listRemaining(revokedPrivilege privilegeText, all []string) []string {
	whole := []string{p.format(p.word, p.columns)}
	if p.columns != nil {
		all = columnPrivileges
	}
	takesWord := revokedPrivilege.word == "all" || revokedPrivilege.word == p.word || p.word == "all" && slices.Contains(all, revokedPrivilege.word)
	if p.class != revokedPrivilege.class || !takesWord || revokedPrivilege.columns != nil && p.columns == nil {
		return whole
	}
	var words []string
	if p.word == "all" && revokedPrivilege.word != "all" {
		words = slices.DeleteFunc(slices.Clone(all), func(word string) bool { return word == revokedPrivilege.word })
	}
	if revokedPrivilege.columns == nil {
		for i, word := range words {
			words[i] = p.format(word, p.columns)
		}
		return words
	}
	var out, inBoth, rest []string
	for _, c := range p.columns {
		if slices.Contains(revokedPrivilege.columns, c) {
			inBoth = append(inBoth, c)
		} else {
			rest = append(rest, c)
		}
	}
	if len(rest) > 0 {
		out = append(out, p.format(p.word, rest))
	}
	for _, word := range words {
		if len(inBoth) > 0 {
			out = append(out, p.format(word, inBoth))
		}
	}
	return out
}

// spellOutAll returns both lists with the privileges that ALL means, for the roles that have ALL in one list and a part of it in the other.
func spellOutAll(before, after []Grant) (b, a []Grant) {
	hasAll := func(list []Grant, role string) bool { return slices.Contains(list, Grant{role, "all"}) }
	spell := func(list, other []Grant) []Grant {
		var out []Grant
		for _, g := range list {
			isPart := slices.ContainsFunc(other, func(o Grant) bool { return o.Role == g.Role && slices.Contains(tablePrivileges, o.Privilege) })
			if g.Privilege != "all" || hasAll(other, g.Role) || !isPart {
				out = append(out, g)
				continue
			}
			for _, word := range tablePrivileges {
				if grant := (Grant{g.Role, word}); !slices.Contains(list, grant) {
					out = append(out, grant)
				}
			}
		}
		return out
	}
	return spell(before, after), spell(after, before)
}
