declare module 'fs-native-extensions' {
  /**
   * Locks a whole file for the open file that the descriptor stands for (on Linux an open file description lock): the kernel
   * drops it with the last descriptor. False where another open file has it. `shared` needs a readable descriptor, else a
   * writable one.
   */
  export function tryLock(descriptor: number, options?: { readonly shared?: boolean }): boolean;
}
