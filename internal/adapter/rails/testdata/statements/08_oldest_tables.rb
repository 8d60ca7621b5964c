class OldestTables < ActiveRecord::Migration[4.2]
  def self.up
    create_table :oldest do |t|
      t.references :account
      t.belongs_to :post, index: true
      t.references :thing, polymorphic: true, index: true
      t.timestamps
    end
    add_reference :oldest, :old_user
    add_timestamps :old_integers
    add_index :oldest, :post_id, name: "second"
    remove_index :oldest, name: "second"
  end
end
