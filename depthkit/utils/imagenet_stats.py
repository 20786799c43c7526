"""Mean and std of ImageNet's pixels, RGB, for values from 0 to 255 (255 times those of timm.data)."""

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
