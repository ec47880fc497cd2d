/**
 * @omma/cv: images, transforms, vision operators, building bricks.
 *
 * Above the layers (nn), below the tasks. It owns every pixel that is not yet a tensor.
 */
export {};
