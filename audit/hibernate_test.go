package audit

import (
	"strings"
	"testing"
)

// A mapping of Hibernate in XML uses columns, collection tables and sequences; a tag of gorm's uses a join table.
func TestMappingsOutsideOfClasses(t *testing.T) {
	t.Parallel()
	const base = `
-- m/001_a.sql --
CREATE SEQUENCE visit_numbers;
CREATE TABLE visits (id bigint PRIMARY KEY, clerk text);
CREATE TABLE visit_labels (visit_id bigint, label text);
CREATE TABLE team_people (team_id bigint, person_id bigint);
-- src/main/resources/Visit.hbm.xml --
<hibernate-mapping>
  <class name="clinic.Visit" table="visits">
    <id name="id" column="id">
      <generator class="sequence">
        <param name="sequence_name">visit_numbers</param>
      </generator>
    </id>
    <property name="clerk"/>
    <set name="labels" table="visit_labels">
      <key column="visit_id"/>
      <element column="label" type="string"/>
    </set>
  </class>
</hibernate-mapping>
-- src/main/java/clinic/Desk.java --
class Desk { Visit open() { return session.get(Visit.class, 1L); } }
-- teams/team.go --
package teams

import "gorm.io/gorm"

type Team struct {
	gorm.Model
	People []Person ` + "`gorm:\"many2many:team_people\"`" + `
}

func all(db *gorm.DB) (list []Team) {
	db.Preload("People").Find(&list)
	return list
}
`
	r := changelog0(t, Config{Dir: repository(t, base, `
-- m/002_b.sql --
ALTER TABLE visits DROP COLUMN clerk;
DROP TABLE visit_labels;
DROP SEQUENCE visit_numbers;
DROP TABLE team_people;
`), Base: "main"})
	want := map[string]string{
		"column-drop: column clerk":             "error Visit.hbm.xml:8",
		"table-drop: table visit_labels":        "error Visit.hbm.xml:9",
		"sequence-drop: sequence visit_numbers": "warning Visit.hbm.xml:5",
		"table-drop: table team_people":         "error team.go:7",
	}
	for _, f := range r.Findings {
		for key, expected := range want {
			severity, place, _ := strings.Cut(expected, " ")
			id, fact, _ := strings.Cut(key, ": ")
			if f.Rule == id && strings.HasPrefix(f.Fact, fact) {
				if f.Severity.String() != severity || !strings.Contains(f.Harm, place) {
					t.Errorf("%s: %s, %s, want %s, %s", key, f.Severity, f.Harm, severity, place)
				}
				delete(want, key)
			}
		}
	}
	for key := range want {
		t.Error(key, "is not reported")
	}
}
