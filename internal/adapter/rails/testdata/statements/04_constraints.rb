class Constraints < ActiveRecord::Migration[6.1]
  def change
    add_column :posts, :editor_id, :bigint
    add_foreign_key :posts, :accounts, column: :editor_id, validate: false
    validate_foreign_key :posts, :accounts, column: :editor_id
    remove_foreign_key :posts, column: :editor_id
    add_foreign_key :posts, :accounts, column: "editor_id", on_update: :cascade, on_delete: :restrict, name: "editors"
    validate_foreign_key :posts, name: "editors"
    remove_foreign_key :posts, :accounts, column: :author_id
    remove_foreign_key :posts, name: "editors"
    add_check_constraint :accounts, "score >= 0", name: "score_positive", validate: false
    validate_check_constraint :accounts, name: "score_positive"
    remove_check_constraint :accounts, name: "score_positive"
    add_check_constraint :accounts, "large > 1"
    enable_extension "pg_trgm"
    disable_extension "pg_trgm"
    create_schema "audit"
    drop_schema "audit", if_exists: true
  end
end
