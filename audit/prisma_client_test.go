package audit

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A model of Prisma is used by members of its client, fields of other models, and SQL. Its name as a word elsewhere is no use.
func TestUsesOfPrismaModel(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]onward.Severity{
		"const price = tiers.pricing.amount\nrouter.push('/pricing')\n":     onward.Warning,
		"export const x = await prisma.pricing.findMany()\n":                onward.Error,
		"export const x = await ctx\n  .pricing\n  .createMany({ data })\n": onward.Error,
		"const table = prisma.pricing\n":                                    onward.Error,
		"const table = prisma[\"pricing\"]\n":                               onward.Error,
		"const { pricing } = prisma\n":                                      onward.Error,
		"const x = run('SELECT ' + list + ' FROM \"pricings\"')\n":          onward.Error,
		"const x = kysely.selectFrom('pricings as p').select(columns)\n":    onward.Error,
		"const x = supabase.from('pricings').select()\n":                    onward.Error,
		"prisma.model.findMany({ include: { costsOfModel: true } })\n":      onward.Error,
		"prisma.model.findMany({ include: { other: true } })\n":             onward.Warning,
		"x.Pricing.FindMany().Exec(ctx)\n":                                  onward.Error,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t,
				"-- prisma/migrations/migration_lock.toml --\nprovider = \"postgresql\"\n-- prisma/migrations/20240101000000_a/migration.sql --\n"+
					"CREATE TABLE models (id int PRIMARY KEY);\nCREATE TABLE pricings (id int PRIMARY KEY, model_id int);\n"+
					"-- prisma/schema.prisma --\nmodel Model {\n  id Int @id\n  costsOfModel Pricing[]\n  @@map(\"models\")\n}\n\n"+
					"model Pricing {\n  id Int @id\n  modelId Int @map(\"model_id\")\n"+
					"  model Model @relation(fields: [modelId], references: [id])\n  @@map(\"pricings\")\n}\n"+
					"-- src/a.ts --\n"+code,
				"-- prisma/migrations/20240102000000_b/migration.sql --\nSET LOCAL lock_timeout = '2s';\nDROP TABLE pricings;\n"), Base: "main"})
			var got []onward.Severity
			for _, f := range r.Findings {
				if f.Rule == "table-drop" {
					got = append(got, f.Severity)
				}
			}
			if len(got) != 1 || got[0] != want {
				t.Errorf("%v, want %s: %+v", got, want, r.Findings)
			}
		})
	}
}
