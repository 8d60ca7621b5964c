package audit

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// Where the code speaks of two tables with a column of one name in a file, the function,
// the class or the call tells whose it is.
func TestColumnOfAnotherTablesBlock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, Files string }{
		{
			"SQLAlchemy", "a.py",
			"class Shipment(Base):\n    __tablename__ = \"shipments\"\n\n    id: Mapped[int]\n    carrier: Mapped[str | None]\n" +
				"    parcels = relationship(\"Parcel\")\n\n\nclass Parcel(Base):\n    __tablename__ = \"parcels\"\n\n    id: Mapped[int]\n" +
				"    shipment_id: Mapped[int] = mapped_column(ForeignKey(\"shipments.id\"))\n",
		},
		{
			"TypeORM", "a.ts",
			"@Entity('shipments')\nexport class Shipment {\n  @Column()\n  carrier: string;\n\n  @OneToMany(() => Parcel, (p) => p.shipment)\n  parcels: Parcel[];\n" +
				"}\n\n@Entity('parcels')\nexport class Parcel {\n  @Column()\n  weight: number;\n}\n",
		},
		{
			"knex", "a.js",
			"async function ship(knex, id, carrier) {\n  await knex('shipments')\n    .where({ id })\n    .update({ carrier });\n}\n\n" +
				"async function parcels(knex, id) {\n  return knex('parcels').select('id', 'weight').where('shipment_id', id);\n}\n",
		},
		{
			"Kysely", "a.ts",
			"export interface Database {\n  shipments: { id: number; carrier: string | null };\n  parcels: { id: number; weight: number | null };\n}\n\n" +
				"export const of = (db: Kysely<Database>) => db.selectFrom('shipments').select(['id', 'carrier']).execute();\n",
		},
		{
			"Python", "a.py",
			"def ship(cur, id, carrier):\n    cur.execute(\"UPDATE shipments SET carrier = %(carrier)s WHERE id = %(id)s\", {\"carrier\": carrier, \"id\": id})\n\n\n" +
				"def parcels(cur, id):\n    cur.execute(\"SELECT id FROM parcels WHERE shipment_id = %s\", (id,))\n",
		},
		{
			"Java", "A.java",
			"class Repo {\n    void ship(long id, String carrier) {\n        jdbc.update(\"UPDATE shipments SET carrier = ? WHERE id = ?\", carrier, id);\n    }\n\n" +
				"    int weight(long id) {\n        return jdbc.queryForObject(\"SELECT sum(weight) FROM parcels WHERE shipment_id = ?\", Integer.class, id);\n    }\n}\n",
		},
		{
			"Go", "a.go",
			"package store\n\ntype Shipment struct {\n\tID      int64\n\tCarrier string\n}\n\nfunc (s *Store) Ship(ctx context.Context, in Shipment) error {\n" +
				"\t_, err := s.pool.Exec(ctx, `\n\t\tUPDATE shipments\n\t\tSET carrier = @carrier\n" +
				"\t\tWHERE id = @id`, pgx.NamedArgs{\"id\": in.ID, \"carrier\": in.Carrier})\n\treturn err\n}\n\n" +
				"const weight = `SELECT sum(weight) FROM parcels WHERE shipment_id = $1`\n",
		},
		{"Ruby", "a.rb", "class Shipment < ApplicationRecord\n  has_many :parcels\n\n  scope :by, ->(carrier) { where(carrier: carrier) }\nend\n"},
		{
			"sqlc", "a.sql",
			"-- name: Ship :exec\nUPDATE shipments SET carrier = $2\nWHERE id = $1;\n\n-- name: Weight :one\nSELECT sum(weight) FROM parcels WHERE shipment_id = $1;\n",
		},
	} {
		for table, want := range map[string]bool{"parcels": false, "shipments": true} {
			t.Run(tt.name+" "+table, func(t *testing.T) {
				t.Parallel()
				base := "-- migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE shipments (id int, carrier text);\n" +
					"CREATE TABLE parcels (id int, shipment_id int, carrier text, weight int);\n-- store/" + tt.file + " --\n" + tt.Files
				r := changelog0(t, Config{
					Dir:  repository(t, base, "-- migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nALTER TABLE "+table+" DROP COLUMN carrier;\n"),
					Base: "main",
				})
				found := slices.ContainsFunc(r.Findings, func(f onward.Finding) bool { return f.Rule == "column-drop" && f.Severity == onward.Error })
				if found != want {
					t.Errorf("%v, not %v: %v", found, want, r.Findings)
				}
			})
		}
	}
}

// A mention that may be this table's does not count as another's.
func TestColumnOfItsOwnBlock(t *testing.T) {
	t.Parallel()
	const entity = "\n-- store/models.py --\nclass Shipment(Base):\n    __tablename__ = \"shipments\"\n    carrier = Column(Text)\n"
	for _, tt := range []struct {
		name        string
		want        onward.Severity
		file, Files string
	}{
		{"INSERT … SELECT", onward.Error, "a.py", "cur.execute(\"INSERT INTO parcels (shipment_id, carrier) SELECT id, carrier FROM shipments\")\n"},
		{
			"a list of columns", onward.Error, "a.go",
			"package a\n\nconst parcelCols = \"id, carrier\"\n\nconst shipped = `SELECT id, carrier FROM shipments`\n\n" +
				"func (d *DB) Parcels() { d.Query(\"SELECT \" + parcelCols + \" FROM parcels\") }\n",
		},
		{
			"a method that takes the table elsewhere", onward.Warning, "a.ts",
			"export class ParcelRepo {\n  byCarrier(carrier: string) {\n    return this.table().where({ carrier });\n  }\n\n  private table() {\n" +
				"    return this.db('parcels');\n  }\n}\n\nexport const of = (db) => db('shipments').select('carrier');\n",
		},
		{
			"something called after it", onward.Warning, "a.ts",
			"@Controller('shipments')\nexport class ShipmentController {\n  list(carrier: string) {\n    return this.parcelRepo.find({ where: { carrier } });\n  }\n}\n",
		},
		{
			"by way of the other", onward.Warning, "a.rb",
			"class Shipment < ApplicationRecord\n  has_many :parcels\n\n  def by(carrier)\n    parcels.where(carrier: carrier)\n  end\nend\n",
		},
		{
			"a type that is told so", onward.Error, "a.go",
			"package a\n\ntype Shipment struct {\n\tCarrier string\n}\n\nfunc (Shipment) TableName() string { return \"parcels\" }\n",
		},
		{
			"any table", onward.Warning, "a.go",
			"package a\n\nfunc by(table string) string {\n\treturn fmt.Sprintf(\"SELECT id FROM %s WHERE carrier = $1\", table)\n}\n\n" +
				"var tables = []string{\"shipments\", \"parcels\"}\n",
		},
		{"beside the other's model", onward.Warning, "a.py", "def heavy(cur, carrier):\n    return parcels(cur, carrier=carrier)\n" + entity},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := "-- migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE shipments (id int, carrier text);\n" +
				"CREATE TABLE parcels (id int, shipment_id int, carrier text);\n-- store/" + tt.file + " --\n" + tt.Files
			r := changelog0(t, Config{
				Dir:  repository(t, base, "-- migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nALTER TABLE parcels DROP COLUMN carrier;\n"),
				Base: "main",
			})
			if !slices.ContainsFunc(r.Findings, func(f onward.Finding) bool { return f.Rule == "column-drop" && f.Severity >= tt.want }) {
				t.Errorf("not told: %v", r.Findings)
			}
		})
	}
}
