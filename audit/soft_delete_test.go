package audit

import (
	"strings"
	"testing"
)

// Code that begins to mark rows as deleted is reported with the queries that show them, of both revisions.
func TestSoftDelete(t *testing.T) {
	t.Parallel()
	const (
		schema = "-- db/migrations/001_a.sql --\nCREATE TABLE users (id bigint PRIMARY KEY, name text, team int, deleted_at timestamptz);\n" +
			"-- db/migrations/002_b.sql --\nSELECT 1;\n"
		list   = "cur.execute(\"SELECT id, name FROM users WHERE team = %s\", (team,))\n"
		live   = "cur.execute(\"SELECT id, name FROM users WHERE team = %s AND deleted_at IS NULL\", (team,))\n"
		one    = "cur.execute(\"SELECT name FROM users WHERE id = %s\", (id,))\n"
		remove = "cur.execute(\"DELETE FROM users WHERE id = %s\", (id,))\n"
		mark   = "cur.execute(\"UPDATE users SET deleted_at = now() WHERE id = %s\", (id,))\n"
	)
	for name, tt := range map[string]struct {
		base, head string
		want       string // a part of the harm; "" for no finding
	}{
		"both show them":           {list + remove, list + mark, "the new code shows the marked rows (at app.py:1), and the deployed code shows them until"},
		"the deployed code does":   {list + remove, live + mark, "the deployed code shows them until the new code has replaced it everywhere (at app.py:1)"},
		"all filter":               {live + remove, live + mark, ""},
		"a row by its key":         {one + remove, one + mark, ""},
		"it deletes as before":     {list + remove, list + remove + "\n", ""},
		"it deletes in more cases": {list + remove, list + remove + mark, ""},
		"it marked rows before":    {list + remove + mark, list + mark, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{
				Dir:  repository(t, schema+"-- app.py --\n"+tt.base, "-- app.py --\n"+tt.head+"-- db/migrations/003_c.sql --\nCREATE TABLE c (id bigint PRIMARY KEY);\n"),
				Base: "main",
			})
			got := ""
			for _, f := range r.Findings {
				if f.Rule == "release-soft-delete-shown" {
					got = f.Harm
				}
			}
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// A model that says now that its mapper marks deleted rows is the same: the deployed model reads them all.
func TestSoftDeleteModels(t *testing.T) {
	t.Parallel()
	const schema = "-- db/migrations/001_a.sql --\nCREATE TABLE people (id bigint PRIMARY KEY, name text, deleted_at timestamptz);\n" +
		"-- db/migrations/002_b.sql --\nSELECT 1;\n"
	const (
		rails  = "class Person < ApplicationRecord\n  MARK\nend\n"
		other  = rails + "class Other < ApplicationRecord\n  acts_as_OTHER\nend\n"
		typed  = "import { Entity, Column } from 'typeorm'\n@Entity('people')\nexport class Person {\n  @Column() name: string\n  MARK\n}\n"
		called = "const { DataTypes } = require('sequelize')\nconst Person = sequelize.define('Person', {\n  name: DataTypes.TEXT,\n}, { tableName: 'people'MARK })\n"
		gorm   = "package shop\n\nimport \"gorm.io/gorm\"\n\ntype Person struct {\n\tID   int64 `gorm:\"primaryKey\"`\n\tName string\n\tMARK\n}\n\n" +
			"func (Person) TableName() string { return \"people\" }\n\nvar _ gorm.Model\n"
		java    = "import jakarta.persistence.*;\n@Entity\n@Table(name = \"people\")\nMARK\npublic class Person {\n  @Id Long id;\n  String name;\n}\n"
		javaUse = "import java.util.List;\npublic class Person_use {\n  EntityManager em;\n" +
			"  List<Person> all() { return em.createQuery(\"from Person\", Person.class).getResultList(); }\n}\n"
		php = "<?php\nuse Illuminate\\Database\\Eloquent\\Model;\nclass Person extends Model\n{\n    protected $table = 'people';\n    MARK\n}\n"
		py  = "from sqlalchemy.orm import DeclarativeBase\nfrom sqlalchemy import Column, Text\n" +
			"class Person(BaseMARK):\n    __tablename__ = 'people'\n    name = Column(Text)\n"
	)
	for name, tt := range map[string]struct {
		file, model, base, head, use string
		found                        bool
	}{
		"Paranoia":         {"app/models/person.rb", rails, "", "acts_as_paranoid", "Person.where(name: 'a').each { |p| p.destroy }\n", true},
		"Discard":          {"app/models/person.rb", rails, "", "include Discard::Model", "Person.where(name: 'a').each { |p| p.discard }\n", true},
		"a comment":        {"app/models/person.rb", rails, "", "# acts_as_paranoid", "Person.where(name: 'a')\n", false},
		"it did before":    {"app/models/person.rb", rails, "acts_as_paranoid", "acts_as_paranoid # still", "Person.where(name: 'a')\n", false},
		"another model":    {"app/models/person.rb", other, "", "# more", "Person.where(name: 'a')\n", false},
		"TypeORM":          {"src/person.ts", typed, "", "@DeleteDateColumn() deletedAt: Date", "repo(Person).find()\n", true},
		"Sequelize":        {"src/person.js", called, "", ", paranoid: true", "Person.findAll()\n", true},
		"not paranoid":     {"src/person.js", called, "", ", paranoid: false", "Person.findAll()\n", false},
		"GORM":             {"shop/person.go", gorm, "", "DeletedAt gorm.DeletedAt", "func list(db *gorm.DB) { db.Find(&[]Person{}) }\n", true},
		"Hibernate":        {"src/main/java/Person.java", java, "", "@SQLDelete(sql = \"UPDATE people SET deleted_at = now() WHERE id = ?\")", javaUse, true},
		"Hibernate, short": {"src/main/java/Person.java", java, "", "@SoftDelete", javaUse, true},
		"Eloquent":         {"app/Models/Person.php", php, "", "use SoftDeletes;", "Person::all();\n", true},
		"SQLAlchemy":       {"app/person.py", py, "", ", SoftDeleteMixin", "session.query(Person).all()\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := func(mark string) string {
				text := strings.ReplaceAll(tt.model, "MARK", mark)
				if mark == tt.head {
					text = strings.ReplaceAll(text, "acts_as_OTHER", "acts_as_paranoid")
				}
				return "-- " + tt.file + " --\n" + text
			}
			use := ""
			if tt.use != "" {
				use = "-- " + tt.file[:strings.LastIndexByte(tt.file, '.')] + "_use" + tt.file[strings.LastIndexByte(tt.file, '.'):] + " --\n" + tt.use
			}
			r := changelog0(t, Config{Dir: repository(t, schema+file(tt.base)+use, file(tt.head)+
				"-- db/migrations/003_c.sql --\nCREATE TABLE c (id bigint PRIMARY KEY);\n"), Base: "main"})
			var got []string
			for _, f := range r.Findings {
				if f.Rule == "release-soft-delete-shown" {
					got = append(got, f.Path+": "+f.Harm)
				}
			}
			if (len(got) > 0) != tt.found || tt.found && !strings.HasPrefix(got[0], tt.file+": the deployed code shows them") {
				t.Errorf("release-soft-delete-shown finds %q, want %s: %v", got, tt.file, tt.found)
			}
		})
	}
}
