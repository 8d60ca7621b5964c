package index_test

import (
	"testing"
)

// TestScriptModels checks the columns that entities and models of JavaScript name in each query.
func TestScriptModels(t *testing.T) {
	t.Parallel()
	const entity, init = "@Entity('users')\nexport class User {\n", "class User extends Model {}\nUser.init({\n"
	const sequelize = "const { DataTypes } = require('sequelize');\n"
	for name, tt := range map[string]struct{ table, text, want string }{
		"embedded": {
			"users", "class Kind {\n  @Column() name: string;\n}\n\n@Entity('users')\nclass User {\n  @Column(() => Kind)\n  kind: Kind;\n}\n", "",
		},
		"getter":             {"users", entity + "  @Column(DataType.STRING)\n  get kind(): string {\n  }\n}\n", "m.ts:4"},
		"virtual":            {"users", entity + "  @Column(DataType.VIRTUAL)\n  get kind(): string {\n  }\n}\n", ""},
		"not kept":           {"users", entity + "  @Property({ persist: false })\n  kind: string;\n}\n", ""},
		"after one not kept": {"users", entity + "  @Property({ persist: false })\n  x: string;\n  @Property()\n  kind: string;\n}\n", "m.ts:6"},
		"field":              {"users", entity + "  @Column({ field: 'kind' })\n  sort: string;\n}\n", "m.ts:4"},
		"not by its field":   {"users", entity + "  @Column({ field: 'sort' })\n  kind: string;\n}\n", ""},
		"fieldName":          {"users", entity + "  @ManyToOne({ entity: () => Kind, fieldName: 'kind' })\n  sort!: Kind;\n}\n", "m.ts:4"},
		"child entity": {
			"users", entity + "  @Column() id: number;\n}\n\n@ChildEntity()\nexport class Admin extends User {\n  @Column() kind: string;\n}\n", "m.ts:8",
		},
		"no child":           {"users", entity + "  @Column() id: number;\n}\n\nexport class Admin extends User {\n  @Column() kind: string;\n}\n", ""},
		"init":               {"users", sequelize + init + "  kind: DataTypes.STRING,\n}, { sequelize });\n", "m.ts:4"},
		"init, table":        {"people", sequelize + init + "  kind: { type: DataTypes.STRING },\n}, { sequelize, tableName: 'people' });\n", "m.ts:4"},
		"init, not by class": {"users", sequelize + init + "  kind: DataTypes.STRING,\n}, { sequelize, tableName: 'people' });\n", ""},
		"init, field":        {"users", sequelize + init + "  sort: {\n    type: DataTypes.STRING,\n    field: 'kind',\n  },\n}, { sequelize });\n", "m.ts:4"},
		"init, virtual":      {"users", sequelize + init + "  kind: DataTypes.VIRTUAL,\n  x: DataTypes.STRING\n}, { sequelize });\n", ""},
		"init, nested":       {"users", sequelize + init + "  x: { type: DataTypes.STRING, validate: { kind: true } },\n}, { sequelize });\n", ""},
		"init of another":    {"users", sequelize + init + "  kind: 'a',\n});\n", ""},
		"define":             {"people", sequelize + "sequelize.define('person', {\n  kind: DataTypes.STRING\n});\n", "m.ts:3"},
		"define, table":      {"users", sequelize + "sequelize.define('Person', {\n  kind: DataTypes.STRING\n}, {\n  tableName: 'users',\n});\n", "m.ts:3"},
		"owner": {
			"users", sequelize + init + "  x: DataTypes.STRING,\n}, { sequelize });\nUser.belongsTo(Kind, { foreignKey: 'kind' });\n", "m.ts:6",
		},
		"an unclosed object": {"users", sequelize + init + "  kind: DataTypes.STRING,\n", ""},
		"a brace in a text": {
			"users", sequelize + init + "  x: { type: DataTypes.STRING, is: '}' }, // }\n  kind: DataTypes.STRING,\n}, { sequelize });\n", "m.ts:5",
		},
		"Drizzle in a line":   {"users", "import 'drizzle-orm';\nexport const users = pgTable('users', { kind: text('kind') });\n", "m.ts:2"},
		"Drizzle in a schema": {"crm.users", "import 'drizzle-orm';\nconst crm = pgSchema('crm');\nconst u = crm.table('users', { kind: text() });\n", "m.ts:3"},
		"Drizzle elsewhere":   {"shop.users", "import 'drizzle-orm';\nconst crm = pgSchema('crm');\nconst u = crm.table('users', { kind: text() });\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkColumn(t, name, map[string]string{"m.ts": tt.text}, nameOf(tt.table), "kind", tt.want)
		})
	}
	embedded := bound(t, map[string]string{
		"name.ts": "export class Name {\n  @Column()\n  first: string;\n}\n",
		"user.ts": "@Entity('users')\nexport class User {\n  @Column(() => Name)\n  fullName: Name;\n}\n",
	})
	for _, column := range []string{"fullNameFirst", "full_name_first"} {
		if got := places(embedded.Column(users, column)); got != "name.ts:3" {
			t.Errorf("uses of column %s = %q, want name.ts:3", column, got)
		}
	}
	model := sequelize + init + "  x: DataTypes.STRING,\n}, { sequelize, paranoid: true, createdAt: false, updatedAt: 'changed' });\n"
	b := bound(t, map[string]string{"m.ts": model})
	for column, want := range map[string]string{"createdAt": "", "changed": "m.ts:3", "deleted_at": "m.ts:3", "id": "m.ts:3"} {
		if got := places(b.Column(users, column)); got != want {
			t.Errorf("%s: %q, want %q", column, got, want)
		}
	}
}
