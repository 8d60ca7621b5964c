package index_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

const personClass = "namespace Shop.Data;\n\npublic class Person : Entity\n{\n    public string NickName { get; set; }\n    public string Full => NickName;\n" +
	"    public string Shown { get; }\n    [NotMapped]\n    public string Left { get; set; }\n    public virtual ICollection<Post> Posts { get; set; }\n" +
	"    public string Gone { get; set; }\n}\n"

// TestEntityFramework checks where the columns of a class of C# are declared. A column without a place is not mapped.
func TestEntityFramework(t *testing.T) {
	t.Parallel()
	entity := "namespace Shop.Data;\npublic abstract class Entity\n{\n    public Guid Uid { get; private set; }\n}\n"
	snapshot := "using Npgsql;\nmodelBuilder\n    .HasDefaultSchema(\"crm\");\n" +
		"modelBuilder.Entity(\"Shop.Data.Person\", b =>\n    {\n        b.Property<Guid>(\"Uid\")\n" +
		"            .HasColumnName(\"uid\")\n            .HasColumnType(\"uuid\");\n" +
		"        b.Property<string>(\"NickName\")\n            .HasColumnName(\"nick\");\n" +
		"        b.Property<int>(\"TeamId\");\n        b.HasKey(\"Uid\");\n        b.ToTable(\"folk\");\n    });\n" +
		"modelBuilder.Entity(\"Shop.Data.Boss\", b =>\n    {\n        b.HasBaseType(\"Shop.Data.Person\");\n        b.Property<int>(\"Rank\");\n    });\n" +
		"modelBuilder.Entity(\"Shop.Data.Person\", b =>\n    {\n        b.OwnsOne(\"Shop.Data.Address\", \"Home\", b1 =>\n            {\n" +
		"                b1.Property<Guid>(\"PersonUid\");\n                b1.Property<string>(\"City\");\n                b1.HasKey(\"PersonUid\");\n" +
		"                b1.ToTable(\"folk\");\n            });\n        b.OwnsMany(\"Shop.Data.Note\", \"Notes\", b1 =>\n            {\n" +
		"                b1.Property<string>(\"Text\");\n                b1.ToJson(\"notes\");\n            });\n    });\n"
	for name, tt := range map[string]struct {
		text string
		want map[string]string
	}{
		"set": {"class Db : DbContext { }\npublic DbSet<Person> TeamPeople => Set<Person>();\n", map[string]string{
			"TeamPeople.NickName": "Person.cs:5", "team_people.nick_name": "Person.cs:5", "team_people.uid": "Entity.cs:4", "team_people.full": "",
			"team_people.shown": "", "team_people.left": "", "team_people.posts": "",
		}},
		"configured": {"class C : IEntityTypeConfiguration<Person>\n{\n    builder.ToTable(\"folk\", \"crm\");\n" +
			"    builder.Property(p => p.NickName)\n        .HasMaxLength(3)\n        .HasColumnName(\"nick\");\n    builder.Ignore(p => p.Gone);\n}\n", map[string]string{
			"crm.folk.nick": "Db.cs:6", "crm.folk.gone": "", "crm.folk.uid": "Entity.cs:4", "folk.nick": "",
		}},
		"fluent": {"modelBuilder.Entity<Person>(e =>\n{\n    e.ToTable(\"folk\");\n    e.Property(p => p.NickName).HasColumnName(\"nick\");\n});\n" +
			"modelBuilder.Entity<Post>().ToTable(\"posts\");\n", map[string]string{"folk.nick": "Db.cs:4", "posts.nick": ""}},
		"snapshot": {snapshot, map[string]string{
			"crm.folk.nick": "Person.cs:5", "crm.folk.NickName": "", "crm.folk.uid": "SModelSnapshot.cs:6", "crm.folk.TeamId": "SModelSnapshot.cs:11",
			"crm.folk.Rank": "SModelSnapshot.cs:18", "crm.folk.Home_City": "SModelSnapshot.cs:25", "crm.folk.PersonUid": "",
			"crm.folk.notes": "SModelSnapshot.cs:29",
			"crm.folk.Text":  "", "crm.folk.gone": "",
		}},
		"snapshot of another database": {strings.ReplaceAll(snapshot, "using Npgsql", "using MySql"), map[string]string{"crm.folk.nick": ""}},
		"model after a migration":      {"[Migration(\"1_a\")]\n" + snapshot, map[string]string{"crm.folk.nick": "", "folk.nick": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := "Db.cs"
			if strings.HasPrefix(name, "snapshot") {
				file = "SModelSnapshot.cs"
			}
			b := bound(t, map[string]string{"Person.cs": personClass, "Entity.cs": entity, file: tt.text})
			for column, want := range tt.want {
				part := strings.Split(column, ".")
				if len(part) == 2 {
					part = append([]string{"public"}, part...)
				}
				if got := places(b.Column(catalog.Name{Schema: part[0], Name: part[1]}, part[2])); got != want {
					t.Errorf("%s: %q, want %q", column, got, want)
				}
			}
		})
	}
}
