class IndexEmail < ActiveRecord::Migration[7.1]
  disable_ddl_transaction!

  def up
    add_index :orders, :email, algorithm: :concurrently
  end

  def down
    remove_index :orders, name: "way_down"
  end
end
