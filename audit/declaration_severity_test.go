package audit

import (
	"strings"
	"testing"
)

// A model that no code names makes a warning, not an error. A name of it anywhere else is a use.
func TestModelThatNobodyNames(t *testing.T) {
	t.Parallel()
	const (
		entity = "-- src/token.entity.ts --\nimport { Column, Entity } from 'typeorm';\n\n@Entity('verification_tokens')\nexport class VerificationToken {\n" +
			"  @Column()\n  code: string;\n}\n"
		alchemy = "-- app/models.py --\nclass User(Base):\n    __tablename__ = \"users\"\n    id = Column(Integer, primary_key=True)\n\n\n" +
			"class VerificationToken(Base):\n    __tablename__ = \"verification_tokens\"\n    id = Column(Integer, primary_key=True)\n    code = Column(Text)\n" +
			"-- app/main.py --\nfrom models import User\n\nprint(session.query(User).all())\n"
		gorm = "-- store/token.go --\npackage store\n\nimport \"gorm.io/gorm\"\n\ntype VerificationToken struct {\n\tgorm.Model\n" +
			"\tCode string `gorm:\"column:code\"`\n}\n\nfunc (VerificationToken) TableName() string {\n\treturn \"verification_tokens\"\n}\n"
		prisma = "-- prisma/schema.prisma --\nmodel VerificationToken {\n  id Int @id\n  code String\n\n  @@map(\"verification_tokens\")\n}\n"
		rails  = "-- app/models/verification_token.rb --\nclass VerificationToken < ApplicationRecord\nend\n"
	)
	for name, tc := range map[string]struct{ Files, want string }{
		"an entity of TypeORM":            {entity, "warning"},
		"an entity in a list":             {entity + "-- src/db.ts --\nexport const db = new DataSource({ entities: [VerificationToken] });\n", "error"},
		"an entity by its name as a text": {entity + "-- src/db.ts --\ndb.getRepository('VerificationToken').find();\n", "error"},
		"an entity in a test":             {entity + "-- src/db.spec.ts --\nnew VerificationToken();\n", "warning"},
		"a class of SQLAlchemy":           {alchemy, "warning"},
		"a class that another one refers to": {
			strings.Replace(alchemy, "primary_key=True)\n\n\n", "primary_key=True)\n    tokens = relationship(\"VerificationToken\")\n\n\n", 1),
			"error",
		},
		"a key to its table": {
			alchemy + "-- app/other.py --\nclass Use(Base):\n    __tablename__ = \"uses\"\n    token = Column(ForeignKey(\"verification_tokens.id\"))\n",
			"error",
		},
		"a struct of gorm": {gorm, "warning"},
		"a struct that is read": {
			gorm + "-- store/read.go --\npackage store\n\nfunc f(db *gorm.DB) { var t []VerificationToken; db.Find(&t) }\n",
			"error",
		},
		"a struct that its file reads":     {gorm + "\nfunc f(db *gorm.DB) { var t []VerificationToken; db.Find(&t) }\n", "error"},
		"a model of Prisma":                {prisma, "warning"},
		"a model of Prisma in the client":  {prisma + "-- src/a.ts --\nawait prisma.verificationToken.findMany();\n", "error"},
		"a class of Rails":                 {rails, "warning"},
		"a class of Rails that has others": {rails + "-- app/models/user.rb --\nclass User < ApplicationRecord\n  has_many :verification_tokens\nend\n", "error"},
		"SQL":                              {"-- store/a.go --\npackage store\n\nconst q = `SELECT code FROM verification_tokens`\n", "error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := "db/migrations"
			if strings.Contains(tc.Files, ".prisma") {
				dir = "prisma/migrations"
			}
			repo := repository(t, "-- "+dir+"/1_a/migration.sql --\nCREATE TABLE verification_tokens (id int PRIMARY KEY, code text);\nCREATE TABLE users (id int);\n"+
				tc.Files,
				"-- "+dir+"/2_b/migration.sql --\nSET lock_timeout = '2s';\nALTER TABLE verification_tokens DROP COLUMN code;\nDROP TABLE verification_tokens;\n")
			report := changelog0(t, Config{Dir: repo})
			if got := severityOf(report, "table-drop"); got != tc.want {
				t.Errorf("table-drop: %q, want %q: %v", got, tc.want, found(report))
			}
			for _, f := range report.Findings {
				if f.Rule == "table-drop" && strings.Contains(f.Harm, "nothing in the deployed code names the model") != (tc.want == "warning") {
					t.Errorf("the harm of table-drop is %q, want an unused model in it: %v", f.Harm, tc.want == "warning")
				}
			}
		})
	}
}
