import type { ReactNode } from 'react'

export interface Heading {
  readonly head: ReactNode
  /** Numbers stand right, so that their digits align. */
  readonly isNumber?: boolean
}

export interface Column<T> extends Heading {
  readonly cell: (row: T) => ReactNode
  /** The cell that names its row. */
  readonly isName?: boolean
  readonly className?: string | ((row: T) => string)
  /** On hover, where the cell shows less than there is. */
  readonly hint?: (row: T) => string
}

interface DataTableProps<T> {
  /** The question that the table answers, where no title above it does. */
  readonly caption?: string
  readonly className?: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string | number
}

/** Rows of equal kind. Scrolls inside itself where the page is narrower than it. */
export function DataTable<T>({ caption, className = '', columns, rows, keyOf }: DataTableProps<T>) {
  return (
    <div className="scroll">
      <table className={`small ${className}`}>
        {caption !== undefined && <caption>{caption}</caption>}
        <TableHead columns={columns} />
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column, index) => (
                <Cell key={columnKey(column, index)} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

export function TableHead({ columns }: { columns: readonly Heading[] }) {
  return (
    <thead>
      <tr>
        {columns.map((column, index) => (
          <th key={columnKey(column, index)} scope="col" className={column.isNumber ? 'number' : undefined}>
            {column.head}
          </th>
        ))}
      </tr>
    </thead>
  )
}

function Cell<T>({ column, row }: { column: Column<T>; row: T }) {
  const own = typeof column.className === 'function' ? column.className(row) : (column.className ?? '')
  const className = `${column.isNumber ? 'number ' : ''}${own}`.trim() || undefined
  if (column.isName)
    return (
      <th scope="row" className={className}>
        {column.cell(row)}
      </th>
    )
  return (
    <td className={className} title={column.hint?.(row)}>
      {column.cell(row)}
    </td>
  )
}

/** Columns do not change places; heads may be elements, so they cannot be keys. */
function columnKey({ head }: Heading, index: number): string {
  return typeof head === 'string' ? head : String(index)
}
