import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity({ name: 'people' })
export class Person {
  @PrimaryGeneratedColumn({ type: 'bigint' })
  id: string;

  @Column({
    type: 'text',
    name: 'nick',
    nullable: true,
  })
  nickname: string | null;

  @Column({ type: 'bigint', nullable: true })
  parent_id: string | null;

  @Column({ type: 'text', default: 'new' })
  state: string;
}
